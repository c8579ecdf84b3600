/**
 * `--runtime-config`: which of the built resources the server serves. By default every stable version, and no alpha or beta one.
 * @source apiserver pkg/server/resourceconfig/helpers.go; kubernetes pkg/controlplane/instance.go, v1.35
 */
import { apiVersionOf } from '../../api/index.ts';
import { FlagValueError, parseBoolean } from '../../api/flags/index.ts';

interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

/** In the order in which they count: a later one overrides an earlier one. */
const wholesale: readonly (readonly [string, RegExp])[] = [
  ['api/all', /^/],
  ['api/ga', /^v\d+$/],
  ['api/beta', /^v\d+beta\d+$/],
  ['api/alpha', /^v\d+alpha\d+$/],
];
const isStable = wholesale[1]![1];
/** Without namespaces, accounts and the like there is no server. */
const indispensable = ['v1', 'coordination.k8s.io/v1'];

/**
 * Tells whether a resource is served.
 * @throws FlagValueError for a value that is no boolean, and for a group version or resource that this server does not have
 */
export function servedResources<R extends ServedResource>(
  built: readonly R[],
  config: ReadonlyMap<string, string> = new Map(),
): (resource: R) => boolean {
  const versions = new Map<string, boolean>();
  const resources = new Map<string, boolean>();
  for (const resource of built) versions.set(apiVersionOf(resource), isStable.test(resource.version));
  for (const [key, pattern] of wholesale) {
    const value = config.get(key);
    if (value === undefined) continue;
    if (value !== 'true' && value !== 'false') throw new FlagValueError(`invalid value ${key}=${value}`);
    for (const name of versions.keys()) if (pattern.test(name.slice(name.lastIndexOf('/') + 1))) versions.set(name, value === 'true');
  }
  const isWholesale = (key: string): boolean => wholesale.some(([name]) => name === key);
  for (const [key, value] of config) if (!isWholesale(key)) readOverride(key, value, { built, versions, resources });
  for (const name of indispensable) {
    if (versions.get(name) === false) throw new FlagValueError(`${name} cannot be turned off: the server itself needs it`);
  }
  return (resource) => {
    const name = apiVersionOf(resource);
    return resources.get(`${name}/${resource.plural}`) ?? versions.get(name) ?? false;
  };
}

function readOverride(
  key: string,
  value: string,
  known: { readonly built: readonly ServedResource[]; readonly versions: Map<string, boolean>; readonly resources: Map<string, boolean> },
): void {
  // `api/v1` is how upstream writes the core group.
  const [name, resource] = splitKey(key.startsWith('api/') ? key.slice('api/'.length) : key);
  const enabled = value === '' ? true : readBoolean(key, value);
  if (!known.versions.has(name)) {
    // Turning off what is not there asks for nothing.
    if (!enabled) return;
    throw new FlagValueError(`group version ${name} that has not been registered`);
  }
  if (resource === undefined) {
    known.versions.set(name, enabled);
    return;
  }
  if (resource !== resource.toLowerCase()) {
    const rule = 'group/version/resource and resource is always lowercase plural';
    throw new FlagValueError(`invalid key ${key}: ${rule}, not ${JSON.stringify(resource)}`);
  }
  const isBuilt = known.built.some((built) => apiVersionOf(built) === name && built.plural === resource);
  if (!isBuilt && enabled) throw new FlagValueError(`${key} is not supported: this server has no ${resource} in ${name}`);
  known.resources.set(`${name}/${resource}`, enabled);
}

/** The group version and the resource of a key; the core group is a version alone. */
function splitKey(key: string): readonly [string, string | undefined] {
  const parts = key.split('/');
  const isCore = /^v\d/.test(parts[0]!);
  const length = isCore ? 1 : 2;
  if (parts.length < length || parts.length > length + 1 || parts.includes(''))
    throw new FlagValueError(`runtime-config invalid key ${key}`);
  return [parts.slice(0, length).join('/'), parts[length]];
}

function readBoolean(key: string, value: string): boolean {
  try {
    return parseBoolean(value);
  } catch (error) {
    if (error instanceof FlagValueError) throw new FlagValueError(`invalid value of ${key}: ${value}, err: ${error.message}`);
    throw error;
  }
}
