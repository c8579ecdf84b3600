/** Who set which field: keeps `metadata.managedFields` true on every write, and merges applied configurations. */
import type { Draft, JsonObject, KubeObject } from '../../api/index.ts';
import type { ResourceView } from '../rendering/view.ts';

export interface FieldWriter {
  /** Name of the field manager. */
  readonly manager: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

export interface FieldManagement {
  /** Records what `next` changes against `live` (undefined: it is created) as the manager's. */
  update(view: ResourceView, live: KubeObject | undefined, next: Draft<KubeObject>, by: FieldWriter): void;
  /**
   * The object that an applied configuration makes of `live`.
   * @throws ApiError Conflict when it takes fields of other managers and may not
   */
  apply(
    view: ResourceView,
    live: KubeObject | undefined,
    configuration: JsonObject,
    by: FieldWriter & { readonly force: boolean },
  ): Draft<KubeObject>;
}
