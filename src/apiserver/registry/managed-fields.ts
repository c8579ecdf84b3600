/** Who set which field: keeps `metadata.managedFields` true on every write, and merges applied configurations. */
import type { Draft, JsonObject, KubeObject } from '../../api/index.ts';
import { applyPatch, updateManagedFields, type WriteContext } from '../../api/apply/index.ts';
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

  constructor(timestamps: Timestamps) {
    this.#timestamps = timestamps;
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

  #context({ definition, apiVersion }: ResourceView, { manager, subresource }: FieldWriter): WriteContext {
    return {
      definition: definition.schema,
      apiVersion,
      manager,
      subresource,
      nowIso: this.#timestamps.now(),
      resetFields: resetFieldsOf(definition.subresources, subresource),
    };
  }
}

function resetFieldsOf(subresources: ResourceView['definition']['subresources'], subresource: string): readonly string[] {
  if (subresource === 'status') return notSpec;
  return subresources.some(({ name }) => name === 'status') && subresource !== 'scale' ? notStatus : nothing;
}

/** An object is a JSON tree. */
function asTree(object: KubeObject | undefined): JsonObject | undefined {
  const tree: unknown = object;
  return tree as JsonObject | undefined;
}
