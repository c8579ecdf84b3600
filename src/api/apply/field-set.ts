/**
 * Sets of fields, in the very form in which managedFields keep them: a tree whose keys are path elements (`f:name`,
 * `k:{"name":"a"}`, `v:"x"`, `i:0`) and where `.` marks a node that is itself a member when it also has children. A node without any
 * key is a member and nothing else; the root is never one. Trees are immutable and share what they have in common.
 * @source structured-merge-diff fieldpath/set.go, serialize.go
 */

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A tree under construction. */
export type FieldSetDraft = Record<string, FieldSet>;

const self = '.';

/** The set of nothing; below a key, the member without children. */
export const emptySet: FieldSet = Object.freeze({});

export function isEmptySet(set: FieldSet): boolean {
  for (const key in set) if (key !== self) return false;
  return true;
}

/** Whether a node below some key is a member itself. */
export function isMember(node: FieldSet): boolean {
  return self in node || !hasKeys(node);
}

function hasKeys(node: FieldSet): boolean {
  for (const _key in node) return true;
  return false;
}

/** A node of these children; undefined when it would stand for nothing. */
export function makeNode(member: boolean, children: FieldSetDraft): FieldSet | undefined {
  if (!hasKeys(children)) return member ? emptySet : undefined;
  return member ? { [self]: emptySet, ...children } : children;
}

/** The same node as a member. */
export function asMember(node: FieldSet | undefined): FieldSet {
  if (node === undefined) return emptySet;
  return isMember(node) ? node : { [self]: emptySet, ...node };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const result: FieldSetDraft = { ...a };
  let changed = false;
  for (const key in b) {
    const [mine, theirs] = [a[key], b[key]!];
    const joined = mine === undefined ? theirs : unionNodes(mine, theirs);
    if (joined === mine) continue;
    result[key] = joined;
    changed = true;
  }
  return changed ? result : a;
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const joined = union(a, b);
  return isMember(a) || isMember(b) ? asMember(joined) : joined;
}

/** Fields that are members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSetDraft = {};
  for (const key in a) {
    const [mine, theirs] = [a[key]!, b[key]];
    if (key === self || theirs === undefined) continue;
    const node = makeNode(isMember(mine) && isMember(theirs), intersection(mine, theirs));
    if (node !== undefined) result[key] = node;
  }
  return result;
}

/** Fields that are members of `a` and not of `b`; what lies below a member of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  const result: FieldSetDraft = {};
  let changed = false;
  for (const key in a) {
    if (key === self) continue;
    const [mine, theirs] = [a[key]!, b[key]];
    const node = theirs === undefined ? mine : differenceOfNodes(mine, theirs);
    if (node !== undefined) result[key] = node;
    if (node !== mine) changed = true;
  }
  return changed || self in a ? result : a;
}

function differenceOfNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const member = isMember(a) && !isMember(b);
  const children = difference(a, b);
  if (children === a && member === isMember(a)) return a;
  return makeNode(member, withoutSelf(children));
}

/** Fields of `a` that neither are members of `b` nor lie below one. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  const result: FieldSetDraft = {};
  for (const key in a) {
    if (key === self) continue;
    const [mine, theirs] = [a[key]!, b[key]];
    if (theirs === undefined) {
      result[key] = mine;
    } else if (!isMember(theirs)) {
      const node = makeNode(isMember(mine), withoutSelf(recursiveDifference(mine, theirs)));
      if (node !== undefined) result[key] = node;
    }
  }
  return result;
}

function withoutSelf(node: FieldSet): FieldSetDraft {
  if (!(self in node)) return node;
  const { [self]: _self, ...children } = node;
  return children;
}

/** Whether every member of `a` is one of `b`. */
export function isSubset(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  for (const key in a) {
    if (key === self) continue;
    const [mine, theirs] = [a[key]!, b[key]];
    if (theirs === undefined || (isMember(mine) && !isMember(theirs)) || !isSubset(mine, theirs)) return false;
  }
  return true;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return a === b || (isSubset(a, b) && isSubset(b, a));
}

/** The set of one path. */
export function setOfPath(elements: readonly string[]): FieldSet {
  return elements.reduceRight<FieldSet>((child, element) => ({ [element]: child }), emptySet);
}

/** Every member's path, the members of a level before what lies below it, each level in order. */
export function* pathsOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const keys = Object.keys(set)
    .filter((key) => key !== self)
    .toSorted(compareElements);
  for (const key of keys) if (isMember(set[key]!)) yield [...prefix, key];
  for (const key of keys) yield* pathsOf(set[key]!, [...prefix, key]);
}

/** The same set with its keys in the order in which managedFields are written; the very same when they stand so. */
export function inOrder(set: FieldSet): FieldSet {
  if (isInOrder(set)) return set;
  const result: FieldSetDraft = {};
  for (const key of Object.keys(set).sort(compareElements)) result[key] = inOrder(set[key]!);
  return result;
}

function isInOrder(set: FieldSet): boolean {
  let before: string | undefined;
  for (const key in set) {
    if (before !== undefined && compareElements(before, key) > 0) return false;
    if (!isInOrder(set[key]!)) return false;
    before = key;
  }
  return true;
}

const rank: Readonly<Record<string, number>> = { '.': 0, f: 1, k: 2, v: 3, i: 4 };

/** Names, then keys, values and indexes; numbers by their value. */
export function compareElements(a: string, b: string): number {
  const [first, second] = [a[0]!, b[0]!];
  if (first !== second) return rank[first]! - rank[second]!;
  if (first === 'f') return a < b ? -1 : a > b ? 1 : 0;
  if (first === '.') return 0;
  const [left, right] = [a, b].map((element) => JSON.parse(element.slice(2)) as unknown);
  if (first !== 'k') return compareScalars(left, right);
  return compareKeys(Object.entries(left as object), Object.entries(right as object));
}

function compareKeys(a: readonly [string, unknown][], b: readonly [string, unknown][]): number {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (name !== other[0]) return name < other[0] ? -1 : 1;
    const order = compareScalars(value, other[1]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareScalars(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a), String(b)];
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}
