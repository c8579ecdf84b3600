/**
 * Keeps the flow schemas and priority levels that every cluster has: mandatory ones are as they must be; suggested ones are kept while
 * nobody has made them his own; what an older version suggested and this one does not goes.
 * @source kubernetes pkg/registry/flowcontrol/ensurer, pkg/registry/flowcontrol/rest/storage_flowcontrol.go
 */
import {
  type Draft,
  flowcontrolv1Resources,
  type flowcontrolv1,
  isApiError,
  type KubeObject,
  type ResourceRef,
  type Unsaved,
} from '../../api/index.ts';
import {
  autoUpdateAnnotation,
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from '../../api/kinds/index.ts';
import type { Operation, Registry } from '../storage.ts';

const { flowschemas, prioritylevelconfigurations } = flowcontrolv1Resources;
const options = { fieldManager: 'api-priority-and-fairness-config-producer-v1' } as const;

type Configured = KubeObject & { readonly spec: object };

export class ConfigurationKeeper {
  readonly #registry: Registry;
  readonly #op: Operation;

  constructor(registry: Registry, op: Operation) {
    this.#registry = registry;
    this.#op = op;
  }

  /** @throws ApiError when the registry refuses */
  async keep(): Promise<void> {
    // Levels first: a schema must lead somewhere.
    await this.#keepAll<flowcontrolv1.PriorityLevelConfiguration>(
      prioritylevelconfigurations,
      mandatoryPriorityLevels,
      suggestedPriorityLevels,
    );
    await this.#keepAll<flowcontrolv1.FlowSchema>(flowschemas, mandatoryFlowSchemas, suggestedFlowSchemas);
  }

  async #keepAll<T extends Configured>(
    resource: ResourceRef<T>,
    mandatory: readonly Unsaved<T>[],
    suggested: readonly Unsaved<T>[],
  ): Promise<void> {
    for (const wanted of mandatory) await this.#keepOne(resource, wanted, true);
    for (const wanted of suggested) await this.#keepOne(resource, wanted, false);
    const names = new Set([...mandatory, ...suggested].map(({ metadata }) => metadata.name));
    for (const stored of this.#registry.cachedList(resource)) {
      if (!names.has(stored.metadata.name) && isOurs(stored)) await this.#remove(resource, stored);
    }
  }

  async #keepOne<T extends Configured>(resource: ResourceRef<T>, wanted: Unsaved<T>, isMandatory: boolean): Promise<void> {
    const { name = '' } = wanted.metadata;
    const stored = this.#registry.cached(resource, { namespace: '', name });
    if (!stored) {
      await this.#create(resource, wanted);
      return;
    }
    const keeps = isMandatory || keepsUpToDate(stored);
    // What the exempt level lends is the administrator's.
    const spec = isMandatory && name === 'exempt' && !keepsUpToDate(stored) ? withExemptOf(wanted.spec, stored.spec) : wanted.spec;
    const isRight = !keeps || JSON.stringify(sorted(stored.spec)) === JSON.stringify(sorted(spec));
    const mark = stored.metadata.annotations?.[autoUpdateAnnotation];
    if (isRight && mark !== undefined) return;
    const draft = structuredClone(stored) as unknown as Draft<Configured>;
    draft.metadata.annotations = { ...draft.metadata.annotations, [autoUpdateAnnotation]: mark ?? String(keeps) };
    if (!isRight) draft.spec = structuredClone(spec);
    await this.#registry.storage(resource).update({ namespace: '', name }, draft as unknown as Draft<T>, options, this.#op);
  }

  async #create<T extends Configured>(resource: ResourceRef<T>, wanted: Unsaved<T>): Promise<void> {
    try {
      // A new object needs no more than this; the registry fills in the rest.
      await this.#registry
        .storage(resource)
        .create(structuredClone(wanted) as unknown as Draft<T>, { ...options, namespace: '' }, this.#op);
    } catch (error) {
      // Another API server of the cluster was faster.
      if (!isApiError(error, 'AlreadyExists')) throw error;
    }
  }

  async #remove<T extends Configured>(resource: ResourceRef<T>, { metadata }: T): Promise<void> {
    const { name, uid, resourceVersion } = metadata;
    try {
      await this.#registry.storage(resource).delete({ namespace: '', name }, { preconditions: { uid, resourceVersion } }, this.#op);
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
  }
}

function isOurs({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[autoUpdateAnnotation] === 'true';
}

/** Without a mark, an object that nobody has changed since it was made is kept. */
function keepsUpToDate({ metadata }: KubeObject): boolean {
  const mark = metadata.annotations?.[autoUpdateAnnotation];
  return mark === undefined ? metadata.generation === 1 : mark === 'true';
}

function withExemptOf(wanted: object, stored: object): object {
  return 'exempt' in stored ? { ...wanted, exempt: stored.exempt } : wanted;
}

/** The same tree with its keys in order, to compare by its text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
