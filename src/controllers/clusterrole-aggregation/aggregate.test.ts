import { expect, test } from 'vitest';
import type { rbacv1 } from '../../api/index.ts';
import { gatheredRules } from './aggregate.ts';

const rule = (resource: string): rbacv1.PolicyRule => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });

function role(name: string, labels: Record<string, string>, resources: readonly string[]): rbacv1.ClusterRole {
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', labels };
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata, rules: resources.map(rule) };
}

const others = [
  role('b', { to: 'x' }, ['pods', 'nodes']),
  role('a', { to: 'x', too: 'y' }, ['secrets']),
  role('c', { too: 'y' }, ['pods']),
];

test.each<[string, Record<string, string>[], string[]]>([
  ['by name', [{ to: 'x' }], ['secrets', 'pods', 'nodes']],
  ['selector by selector, each rule once', [{ too: 'y' }, { to: 'x' }], ['secrets', 'pods', 'nodes']],
  ['nothing when nobody is named', [{ to: 'nobody' }], []],
  ['nothing without selectors', [], []],
])('gathers %s', (_name, selectors, resources) => {
  const gathering = {
    ...role('gathering', { to: 'x' }, ['events']),
    aggregationRule: { clusterRoleSelectors: selectors.map((matchLabels) => ({ matchLabels })) },
  };
  expect(gatheredRules(gathering, [...others, gathering]).flatMap((one) => one.resources)).toEqual(resources);
});
