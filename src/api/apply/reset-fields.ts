/** The fields that a write cannot write, as the set that ownership leaves out. Strategies name them by dotted paths. */
import { emptySet, setOfPath, union, type FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';

const known = new WeakMap<readonly string[], FieldSet>();

/** @param paths such as `['spec', 'metadata.labels']` */
export function resetFieldSet(paths: readonly string[] | undefined): FieldSet {
  if (paths === undefined || paths.length === 0) return emptySet;
  const before = known.get(paths);
  if (before) return before;
  const set = paths.map((path) => setOfPath(path.split('.').map(fieldElement))).reduce(union, emptySet);
  known.set(paths, set);
  return set;
}
