import { describe, expect, test } from 'vitest';
import { servedResources } from './runtime-config.ts';
import { configuration } from '../../api/flags/index.ts';

const built = [
  { group: '', version: 'v1', plural: 'pods' },
  { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' },
  { group: 'apps', version: 'v1', plural: 'deployments' },
  { group: 'apps', version: 'v1', plural: 'daemonsets' },
  { group: 'storage.k8s.io', version: 'v1beta1', plural: 'volumeattributesclasses' },
  { group: 'batch', version: 'v2alpha1', plural: 'cronjobs' },
];

/** Plurals that are served. */
function served(config: string): string[] {
  const isServed = servedResources(built, configuration.parse(config, undefined));
  return built.filter(isServed).map(({ plural }) => plural);
}

const stable = ['pods', 'leases', 'deployments', 'daemonsets'];

describe('the runtime configuration', () => {
  test.each<[string, string[]]>([
    ['', stable],
    ['api/all=true', [...stable, 'volumeattributesclasses', 'cronjobs']],
    ['api/beta=true', [...stable, 'volumeattributesclasses']],
    ['api/alpha=true', [...stable, 'cronjobs']],
    ['storage.k8s.io/v1beta1', [...stable, 'volumeattributesclasses']],
    ['storage.k8s.io/v1beta1=true', [...stable, 'volumeattributesclasses']],
    ['storage.k8s.io/v1beta1/volumeattributesclasses=true', [...stable, 'volumeattributesclasses']],
    ['api/all=true,api/beta=false', [...stable, 'cronjobs']],
    ['api/all=false,api/v1=true,v1=true,coordination.k8s.io/v1=true', ['pods', 'leases']],
    ['apps/v1=false', ['pods', 'leases']],
    ['apps/v1=false,apps/v1/deployments=true', ['pods', 'leases', 'deployments']],
    ['apps/v1/daemonsets=false', ['pods', 'leases', 'deployments']],
    ['extensions/v1beta1=false', stable],
  ])('%j', (config, plurals) => expect(served(config)).toEqual(plurals));

  test.each([
    ['api/all=maybe', 'invalid value api/all=maybe'],
    ['apps/v1=maybe', 'invalid value of apps/v1: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['resource.k8s.io/v1beta1=true', 'group version resource.k8s.io/v1beta1 that has not been registered'],
    ['apps/v1/Deployments=true', 'group/version/resource and resource is always lowercase plural, not "Deployments"'],
    ['apps/v1/statefulsets=true', 'apps/v1/statefulsets=true is not supported'.replace('=true', '')],
    ['nonsense=true', 'runtime-config invalid key nonsense'],
    ['a/b/c/d=true', 'runtime-config invalid key a/b/c/d'],
    ['v1=false', 'v1 cannot be turned off: the server itself needs it'],
    ['api/all=false', 'v1 cannot be turned off'],
  ])('%s is refused', (config, message) => expect(() => served(config)).toThrow(message));
});
