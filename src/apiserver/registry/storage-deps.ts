/** What every verb of the registry works with; one for the whole server. */
import type { KubeObject, ResourceDefinition, StrategyContext } from '../../api/index.ts';
import type { Clock, Random } from '../../base/index.ts';
import type { AdmissionContext, AdmissionOperation, AdmissionRequest } from '../admission.ts';
import type { ListReader } from '../cache/list-reader.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import type { HookOutcome, ResourceHooks } from '../extension.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { Operation, StorageKey } from '../storage.ts';
import type { AdmissionChain } from './admission-chain.ts';
import { certificateChecks } from './certificate-checks.ts';
import type { EventLeases } from './event-leases.ts';
import type { FieldManagement } from './managed-fields.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { Timestamps } from './timestamps.ts';

export interface StorageDeps {
  readonly cache: WatchCache;
  readonly lists: ListReader;
  readonly writer: ObjectWriter;
  readonly admission: AdmissionChain;
  /** Set once the registry stands. */
  readonly admissionContext: AdmissionContext;
  readonly hooks: (definition: ResourceDefinition) => ResourceHooks | undefined;
  readonly fields: FieldManagement;
  readonly eventLeases: EventLeases;
  readonly clock: Clock;
  readonly random: Random;
  readonly newUid: () => string;
  /** A watch without a timeout ends after this and up to as long again, so that watches spread over servers. */
  readonly minWatchMs: number;
  readonly timestamps: Timestamps;
  readonly featureEnabled: (gate: string) => boolean;
}

/** The key of an object in its collection. */
export function collectionKey(view: ResourceView, { namespace, name }: StorageKey): string {
  return view.definition.namespaced ? `${namespace}/${name}` : name;
}

export function strategyContext(deps: StorageDeps, op: Operation, subresource?: string): StrategyContext {
  return {
    userName: op.user.name,
    user: op.user,
    certificates: certificateChecks,
    nowMs: deps.clock.now(),
    newUid: deps.newUid,
    featureEnabled: deps.featureEnabled,
    ...(subresource && { subresource }),
  };
}

export function admissionRequest(
  view: ResourceView,
  operation: AdmissionOperation,
  request: Pick<AdmissionRequest, 'subresource' | 'namespace' | 'name' | 'object' | 'oldObject' | 'options'>,
  op: Operation,
): AdmissionRequest {
  const { audit } = op;
  return {
    operation,
    resource: view.definition,
    user: op.user,
    warn: (message) => op.warn(message),
    annotate: audit && ((key, value) => audit.annotate(key, value)),
    ...request,
  };
}

/** The lease of an object that ends by itself; undefined for all others. */
export function leaseFor(deps: StorageDeps, definition: ResourceDefinition): Promise<number> | undefined {
  return definition.storage.prefix === 'events' ? deps.eventLeases.lease() : undefined;
}

/** Several hooks as one: the core's own and those of extensions. */
export function joinHooks(hooks: readonly ResourceHooks[]): ResourceHooks | undefined {
  if (hooks.length < 2) return hooks[0];
  const begin = async (calls: readonly (HookOutcome | undefined | Promise<HookOutcome | undefined>)[]): Promise<HookOutcome> => {
    const outcomes = (await Promise.all(calls.map((call) => Promise.resolve(call)))).filter((outcome) => outcome !== undefined);
    return {
      committed: () => outcomes.forEach((outcome) => outcome.committed()),
      abandoned: () => outcomes.forEach((outcome) => outcome.abandoned()),
    };
  };
  return {
    beginCreate: (draft, options, op) => begin(hooks.map((hook) => hook.beginCreate?.(draft, options, op))),
    beginUpdate: (draft, old, options, op) => begin(hooks.map((hook) => hook.beginUpdate?.(draft, old, options, op))),
    afterDelete: async (object: KubeObject) => {
      for (const hook of hooks) await hook.afterDelete?.(object);
    },
  };
}
