/** The class that is taken when none is named: of those marked as default the newest, of several made at once the first by name. */
import type { KubeObject } from './object.ts';

/** Annotations that mark the StorageClass of claims that name none. */
export const defaultStorageClassMarks: readonly string[] = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** @param marks annotations that mark a default with the value `true` */
export function defaultClassOf<T extends KubeObject>(classes: readonly T[], marks: readonly string[]): T | undefined {
  let best: T | undefined;
  for (const one of classes) {
    const { annotations } = one.metadata;
    if (annotations && marks.some((mark) => annotations[mark] === 'true') && (!best || isPreferred(one, best))) best = one;
  }
  return best;
}

function isPreferred({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  const [first, second] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  // Times of one form sort as text.
  return first === second ? a.name < b.name : first > second;
}
