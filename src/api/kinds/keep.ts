/** Carrying old values into a draft, where "not there" has to stay not there. */
import type { ObjectMeta } from '../gen/meta-v1.ts';
import type { Draft } from '../object.ts';

/** Sets the field, or removes it when there is no value. */
export function assignOrDelete<T extends object, K extends keyof T>(target: T, field: K, value: T[K] | undefined): void {
  if (value === undefined) delete target[field];
  else target[field] = value;
}

/** Labels, annotations, finalizers and owners stay as they are. @source apimachinery meta/v1 ResetObjectMetaForStatus */
export function keepMetadata(metadata: Draft<ObjectMeta>, old: ObjectMeta): void {
  // The old values are shared and stay unwritten: the draft only refers to them.
  const before = old as Draft<ObjectMeta>;
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) assignOrDelete(metadata, field, before[field]);
}
