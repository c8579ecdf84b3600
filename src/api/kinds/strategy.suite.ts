/** For the tests of kinds: runs an object through its table entry as the registry does, and says what came of it. */
import { featureEnabledByDefault } from '../feature-gates.ts';
import type { Draft, KubeObject } from '../object.ts';
import type { ResourceDefinition, StrategyContext } from '../resource-definition.ts';
import { builtinResources } from './index.ts';

export const now = '2026-01-01T01:00:00Z';
const ctx: StrategyContext = {
  userName: 'tester',
  user: { name: 'tester', uid: 'u1', groups: ['testers'], extra: { scopes: ['all'] } },
  // The real ones need cryptography; `src/pki/request-check.test.ts` has them.
  certificates: {
    requestFault: (request) => (request === 'bad' ? 'not a request' : undefined),
    certificateFault: (certificate) => (certificate === 'bad' ? 'not a certificate' : undefined),
  },
  nowMs: Date.parse(now),
  newUid: () => 'uid',
  // What is not built yet is validated all the same.
  featureEnabled: (gate) => featureEnabledByDefault(gate) || gate === 'DynamicResourceAllocation' || gate === 'EnvFiles',
};

/** A manifest: any JSON, as a client may send it. */
export type Manifest = Record<string, unknown>;

export function definitionOf(plural: string, group = ''): ResourceDefinition {
  const found = builtinResources.find((one) => one.plural === plural && one.group === group);
  if (!found) throw new Error(`no entry for ${plural}.${group}`);
  return found;
}

/** An object on its way through the entry. */
export type Decoded = Manifest & Draft<KubeObject>;

export interface Written {
  readonly object: Decoded;
  /** `path: message` of each fault. */
  readonly faults: readonly string[];
  /** None while there are faults. */
  readonly warnings: readonly string[];
}

/** The object after defaulting, as a reader would see a stored one. */
export function decode(definition: ResourceDefinition, manifest: Manifest): Decoded {
  const object = clone({ metadata: {}, ...manifest }) as Decoded;
  definition.strategy.applyDefaults?.(object);
  return object;
}

export function create(definition: ResourceDefinition, manifest: Manifest): Written {
  const object = decode(definition, manifest);
  definition.strategy.prepareForCreate?.(object, ctx);
  const faults = definition.strategy.validate(object, ctx).map(({ field, message }) => `${field}: ${message}`);
  return { object, faults, warnings: (faults.length === 0 && definition.strategy.warnings?.(object, undefined)) || [] };
}

/** @param subresource such as `status`; default: the object itself */
export function update(
  definition: ResourceDefinition,
  change: { readonly old: KubeObject; readonly manifest: Manifest; readonly subresource?: string },
): Written {
  const object = decode(definition, change.manifest);
  const strategy =
    change.subresource === undefined
      ? definition.strategy
      : definition.subresources.find(({ name }) => name === change.subresource)?.strategy;
  if (!strategy) throw new Error(`no subresource ${change.subresource}`);
  const own = { ...ctx, ...(change.subresource !== undefined && { subresource: change.subresource }) };
  strategy.prepareForUpdate?.(object, change.old, own);
  const faults = strategy.validateUpdate(object, change.old, own).map(({ field, message }) => `${field}: ${message}`);
  return { object, faults, warnings: (faults.length === 0 && definition.strategy.warnings?.(object, change.old)) || [] };
}

/** The row of a table, by column name. */
export function row(definition: ResourceDefinition, object: Manifest): Record<string, unknown> {
  return Object.fromEntries(definition.columns.map(({ name, cell }) => [name, cell(object as Decoded, ctx.nowMs)]));
}

/** A copy with the value at a dotted path (`spec.containers.0.image`) set, or removed when it is undefined. */
export function withField(manifest: Manifest, path: string, value: unknown): Manifest {
  const copy = clone(manifest);
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = copy;
  for (const key of keys) at = (at[key] ??= {}) as Manifest;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

function clone(manifest: Manifest): Manifest {
  return JSON.parse(JSON.stringify(manifest)) as Manifest;
}
