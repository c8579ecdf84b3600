/**
 * Builds a table entry from a typed handle and what is particular about the kind; everything that most kinds share is filled in
 * here. A kind's file stands for the kind: it calls this once.
 */
import type { FieldError } from '../errors.ts';
import { nameIsDnsSubdomain } from '../names.ts';
import type { KubeObject } from '../object.ts';
import type { PrinterColumn, ResourceDefinition, Strategy, SubresourceDefinition, SubresourceKind, Verb } from '../resource-definition.ts';
import type { ResourceRef } from '../resource-ref.ts';
import { standardFinalizerErrors } from './finalizer-rules.ts';

/** The verbs of a resource that is stored. */
export const storedVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** The verbs of a subresource that is the object itself, such as `status`. */
export const partVerbs: readonly Verb[] = ['get', 'patch', 'update'];

export interface ResourceEntry<T extends KubeObject> {
  readonly ref: ResourceRef<T>;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default: `storedVerbs`. */
  readonly verbs?: readonly Verb[];
  /** Default: the kind in lower case. */
  readonly singular?: string;
  readonly subresources?: readonly SubresourceDefinition<T>[];
  /** See `ResourceDefinition`. */
  readonly computed?: boolean;
  readonly deprecation?: string;
  readonly columns: readonly PrinterColumn<T>[];
  readonly strategy: Omit<Strategy<T>, 'validateName'> & Partial<Pick<Strategy<T>, 'validateName'>>;
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>;
  /** Default: stored as itself under its group and plural. */
  readonly storage?: ResourceDefinition<T>['storage'];
}

/** A table entry; names are DNS subdomains unless the strategy says otherwise. */
export function defineResource<T extends KubeObject>(entry: ResourceEntry<T>): ResourceDefinition {
  const { group, version, kind, plural, namespaced } = entry.ref;
  const definition: ResourceDefinition<T> = {
    group,
    version,
    kind,
    listKind: `${kind}List`,
    plural,
    singular: entry.singular ?? kind.toLowerCase(),
    shortNames: entry.shortNames ?? [],
    categories: entry.categories ?? [],
    namespaced,
    verbs: entry.verbs ?? storedVerbs,
    schema: `io.k8s.api.${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`,
    storage: entry.storage ?? { prefix: group === '' ? plural : `${group}/${plural}`, group, version },
    subresources: entry.subresources ?? [],
    ...(entry.computed === true && { computed: true }),
    ...(entry.deprecation !== undefined && { deprecation: entry.deprecation }),
    columns: entry.columns,
    strategy: {
      validateName: nameIsDnsSubdomain,
      ...entry.strategy,
      validate: (object, ctx) => withFinalizerErrors(object, entry.strategy.validate(object, ctx)),
      validateUpdate: (object, old, ctx) => withFinalizerErrors(object, entry.strategy.validateUpdate(object, old, ctx)),
    },
    selectableFields: entry.selectableFields ?? {},
  };
  // The table holds kinds of every type. The registry gives each hook only objects of the entry's own kind.
  return definition as unknown as ResourceDefinition;
}

/** Finalizers of built-in kinds are Kubernetes' own or `domain/name`. */
function withFinalizerErrors({ metadata }: KubeObject, errors: FieldError[]): FieldError[] {
  const finalizers = metadata.finalizers ?? [];
  if (finalizers.length === 0) return errors;
  return [...finalizers.flatMap((finalizer, i) => standardFinalizerErrors(finalizer, `metadata.finalizers[${i}]`)), ...errors];
}

/** The `status` subresource: only status (and metadata that the registry allows) is written, spec stays. */
export function statusSubresource<T extends KubeObject>(
  strategy: NonNullable<SubresourceDefinition<T>['strategy']>,
): SubresourceDefinition<T> {
  return { name: 'status', verbs: partVerbs, handler: 'status', strategy };
}

/** A subresource that the API server answers with a handler of its own, such as `log` or `exec`. */
export function customSubresource<T extends KubeObject>(
  name: string,
  verbs: readonly Verb[],
  kind?: SubresourceKind,
): SubresourceDefinition<T> {
  return { name, verbs, handler: 'custom', ...(kind && { kind }) };
}
