/** Who set which field: keeps `metadata.managedFields` true on every write, and merges applied configurations. */
import type { Draft, JsonObject, KubeObject } from '../../api/index.ts';
import { applyPatch, objectType, updateManagedFields, type VersionConverter, type WriteContext } from '../../api/apply/index.ts';
import { deepCopy } from '../../api/json/index.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { Timestamps } from './timestamps.ts';

export interface FieldWriter {
  /** Name of the field manager. */
  readonly manager: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

/** What a write of the object itself, or of a part of it, cannot change and so does not come to own. One array a case: it is a key. */
const notStatus: readonly string[] = ['status'];
const notSpec: readonly string[] = ['spec'];
const nothing: readonly string[] = [];

export class FieldManagement {
  readonly #timestamps: Timestamps;
  readonly #versionsOf: (view: ResourceView) => ReadonlyMap<string, ResourceView>;
  /** By view; undefined for the many that are served in one version. */
  readonly #converters = new Map<ResourceView, VersionConverter | undefined>();

  /** @param versionsOf the views of a view's objects by their API versions, itself among them */
  constructor(timestamps: Timestamps, versionsOf: (view: ResourceView) => ReadonlyMap<string, ResourceView>) {
    this.#timestamps = timestamps;
    this.#versionsOf = versionsOf;
  }

  /** Records what `next` changes against `live` (undefined: it is created) as the manager's. */
  update(view: ResourceView, live: KubeObject | undefined, next: Draft<KubeObject>, by: FieldWriter): void {
    const list = updateManagedFields({ ...this.#context(view, by), live: asTree(live), updated: asTree(next)! });
    // Entries are shared from version to version and changed by nobody.
    if (list.length > 0) next.metadata.managedFields = list as Draft<typeof list>;
    else delete next.metadata.managedFields;
  }

  /**
   * The object that an applied configuration makes of `live`; undefined when that is `live` as it stands.
   * @throws ApiError Conflict when it takes fields of other managers and may not, BadRequest when it does not fit
   */
  apply(
    view: ResourceView,
    live: KubeObject | undefined,
    configuration: JsonObject,
    by: FieldWriter & { readonly force: boolean },
  ): Draft<KubeObject> | undefined {
    const { kind } = view.definition;
    const result = applyPatch({ ...this.#context(view, by), live: asTree(live), patch: configuration, kind, force: by.force });
    // The apply read the tree as the view's own type.
    return result.unchanged ? undefined : (result.object as unknown as Draft<KubeObject>);
  }

  #converter(view: ResourceView): VersionConverter | undefined {
    if (this.#converters.has(view)) return this.#converters.get(view);
    const versions = this.#versionsOf(view);
    const converter = versions.size > 1 ? converterBetween(versions) : undefined;
    this.#converters.set(view, converter);
    return converter;
  }

  #context(view: ResourceView, { manager, subresource }: FieldWriter): WriteContext {
    const { definition, apiVersion } = view;
    return {
      convert: this.#converter(view),
      definition: definition.schema,
      apiVersion,
      manager,
      subresource,
      nowIso: this.#timestamps.now(),
      resetFields: resetFieldsOf(definition, subresource),
    };
  }
}

/** Converts by way of the storage version. */
function converterBetween(versions: ReadonlyMap<string, ResourceView>): VersionConverter {
  return (object, apiVersion) => {
    const to = versions.get(apiVersion);
    const version = object['apiVersion'];
    const from = typeof version === 'string' ? versions.get(version) : undefined;
    if (!to || !from) return undefined;
    const type = objectType(to.definition.schema);
    if (to === from) return { object, type };
    const draft = deepCopy(object);
    // Structs that Go holds by value: taking the last field of one out leaves it, empty.
    for (const name of ['metadata', 'spec', 'status']) if (draft[name] === null) draft[name] = {};
    // An object of the API is a JSON tree, and the tree is one of the version that it names.
    const stored = from.toStorage(draft as unknown as Draft<KubeObject>);
    return { object: asTree(to.definition.storage.fromStorage?.(stored) ?? stored)!, type };
  };
}

function resetFieldsOf({ strategy, subresources }: ResourceView['definition'], subresource: string): readonly string[] {
  const own = subresource === '' ? strategy : subresources.find(({ name }) => name === subresource)?.strategy;
  if (own?.resetFields) return own.resetFields;
  if (subresource === 'status') return notSpec;
  return subresources.some(({ name }) => name === 'status') && subresource !== 'scale' ? notStatus : nothing;
}

/** An object is a JSON tree. */
function asTree(object: KubeObject | undefined): JsonObject | undefined {
  const tree: unknown = object;
  return tree as JsonObject | undefined;
}
