/**
 * JSON Patch with the texts of upstream's library: clients and tests match on them. Applies all operations or none; the document and
 * the patch are left as they are.
 * @source RFC 6902; evanphx/json-patch v4.13 (a key that is not there reads as null; negative indexes count from the end, no array index with letters)
 */
import type { Draft, JsonValue } from '../object.ts';
import { deepCopy, deepEqual, isJsonObject, NotJsonError, setOwn } from '../json/tree.ts';
import { stringifyJson } from '../json/stringify.ts';

/** Bytes that `copy` operations of one patch may add. @source apiserver JSONPatchMaxCopyBytes */
export const maxCopyBytes = 3 * 1024 * 1024;

/** Places that elements of lists may move by in one patch, as others are put before them or taken away: a tenth of a second's work. */
const maxShiftedElements = 200_000_000;

/** An operation that does not apply. */
export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError';
}

type Node = Draft<JsonValue>;
type Container = Node[] | Record<string, Node>;

const missing = 'missing value';
const invalidIndex = 'invalid index referenced';

/**
 * The document after all operations.
 * @param patch operations as they came: each is checked when its turn comes
 * @throws JsonPatchError for the first that does not apply
 */
export function applyJsonPatch(document: JsonValue, patch: readonly JsonValue[]): Draft<JsonValue> {
  const run = new PatchRun(copied(document));
  for (const operation of patch) run.apply(isJsonObject(operation) ? operation : {});
  return run.document;
}

interface Operation {
  readonly op?: JsonValue;
  readonly path?: JsonValue;
  readonly from?: JsonValue;
  readonly value?: JsonValue;
}

class PatchRun {
  document: Node;
  #copiedBytes = 0;
  #shiftedElements = 0;

  constructor(document: Node) {
    this.document = document;
  }

  apply(operation: Operation): void {
    const op = typeof operation.op === 'string' ? operation.op : 'unknown';
    switch (op) {
      case 'add':
        return this.#add(operation);
      case 'remove':
        return this.#remove(operation);
      case 'replace':
        return this.#replace(operation);
      case 'move':
        return this.#move(operation);
      case 'copy':
        return this.#copy(operation);
      case 'test':
        return this.#test(operation);
      default:
        throw new JsonPatchError(`Unexpected kind: ${op}`);
    }
  }

  #add(operation: Operation): void {
    const path = pathOf(operation, `add operation failed to decode path: ${missing}`);
    const { container, key } = this.#find(path, `add operation does not apply: doc is missing path: "${path}": ${missing}`);
    within(`error in add for path: '${path}'`, () => {
      this.#put(container, key, valueOf(operation));
    });
  }

  #remove(operation: Operation): void {
    const path = pathOf(operation, `remove operation failed to decode path: ${missing}`);
    const { container, key } = this.#find(path, `remove operation does not apply: doc is missing path: "${path}": ${missing}`);
    within(`error in remove for path: '${path}'`, () => {
      this.#take(container, key);
    });
  }

  #replace(operation: Operation): void {
    const path = pathOf(operation, `replace operation failed to decode path: operation missing path field: ${missing}`);
    if (path === '') {
      const value = valueOf(operation);
      if (typeof value !== 'object' || value === null)
        throw new JsonPatchError('replace operation value must be object or array: %!w(<nil>)');
      this.document = value;
      return;
    }
    const { container, key } = this.#find(path, `replace operation does not apply: doc is missing path: ${path}: ${missing}`);
    try {
      get(container, key);
    } catch (error) {
      if (error instanceof JsonPatchError)
        throw new JsonPatchError(`replace operation does not apply: doc is missing key: ${path}: ${missing}`);
      throw error;
    }
    if (Array.isArray(container)) container[indexIn(container, key)] = valueOf(operation);
    else setOwn(container, key, valueOf(operation));
  }

  #move(operation: Operation): void {
    const from = fromOf(operation, 'move');
    const source = this.#find(from, `move operation does not apply: doc is missing from path: ${from}: ${missing}`);
    const value = within(`error in move for path: '${source.key}'`, () => {
      const found = get(source.container, source.key);
      this.#take(source.container, source.key);
      return found;
    });
    const path = pathOf(operation, `move operation failed to decode path: operation missing path field: ${missing}`);
    const target = this.#find(path, `move operation does not apply: doc is missing destination path: ${path}: ${missing}`);
    within(`error in move for path: '${path}'`, () => {
      this.#put(target.container, target.key, value);
    });
  }

  #copy(operation: Operation): void {
    const from = fromOf(operation, 'copy');
    const source = this.#find(from, `copy operation does not apply: doc is missing from path: ${from}: ${missing}`);
    const value = within(`error in copy for from: '${from}'`, () => get(source.container, source.key));
    const path = pathOf(operation, `copy operation failed to decode path: ${missing}`);
    const target = this.#find(path, `copy operation does not apply: doc is missing destination path: ${path}: ${missing}`);
    this.#copiedBytes += stringifyJson(value).length;
    if (this.#copiedBytes > maxCopyBytes) {
      throw new JsonPatchError(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copiedBytes}, exceeding the limit ${maxCopyBytes}`,
      );
    }
    within('error while adding value during copy', () => {
      this.#put(target.container, target.key, copied(value));
    });
  }

  #test(operation: Operation): void {
    const path = pathOf(operation, `test operation failed to decode path: operation missing path field: ${missing}`);
    const expected = operation.value ?? null;
    const failed = new JsonPatchError(`testing value ${path} failed: test failed`);
    if (path === '') {
      if (!deepEqual(this.document, expected)) throw failed;
      return;
    }
    const { container, key } = this.#find(path, `test operation does not apply: is missing path: ${path}: ${missing}`);
    const value = within(`error in test for path: '${path}'`, () => get(container, key));
    if (!deepEqual(value, expected)) throw failed;
  }

  #put(container: Container, key: string, value: Node): void {
    if (Array.isArray(container) && key !== '-') this.#shift(container);
    add(container, key, value);
  }

  #take(container: Container, key: string): void {
    if (Array.isArray(container)) this.#shift(container);
    remove(container, key);
  }

  /** Counts what a change in a list costs at most. */
  #shift(list: readonly Node[]): void {
    this.#shiftedElements += list.length;
    if (this.#shiftedElements > maxShiftedElements) throw new JsonPatchError('Unable to change lists so long so often in one patch');
  }

  /** Where a pointer's last part stands. The whole document stands nowhere. */
  #find(pointer: string, fault: string): { container: Container; key: string } {
    const parts = pointer.split('/');
    if (parts.length < 2) throw new JsonPatchError(fault);
    let container = this.document as Container;
    for (const part of parts.slice(1, -1)) {
      const next = lookUp(container, unescape(part));
      if (typeof next !== 'object' || next === null) throw new JsonPatchError(fault);
      container = next;
    }
    return { container, key: unescape(parts.at(-1)!) };
  }
}

function unescape(part: string): string {
  return part.replaceAll(/~[01]/g, (code) => (code === '~1' ? '/' : '~'));
}

function pathOf(operation: Operation, fault: string): string {
  if (typeof operation.path !== 'string') throw new JsonPatchError(fault);
  return operation.path;
}

function fromOf(operation: Operation, name: string): string {
  if (typeof operation.from === 'string') return operation.from;
  throw new JsonPatchError(`${name} operation failed to decode from: operation, missing from field: ${missing}`);
}

function valueOf(operation: Operation): Node {
  return copied(operation.value ?? null);
}

function copied(value: JsonValue): Node {
  try {
    return deepCopy(value);
  } catch (error) {
    // Moves can nest deeper than any body may.
    if (error instanceof NotJsonError) throw new JsonPatchError(error.message, { cause: error });
    throw error;
  }
}

/** Runs a step and puts `where` before the fault it tells. */
function within<T>(where: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof JsonPatchError) throw new JsonPatchError(`${where}: ${error.message}`);
    throw error;
  }
}

/** The value there, undefined when there is none. */
function lookUp(container: Container, key: string): Node | undefined {
  if (!Array.isArray(container)) return Object.hasOwn(container, key) ? container[key] : undefined;
  if (!/^[-+]?\d+$/.test(key)) return undefined;
  const index = Number(key);
  return container[index < 0 ? index + container.length : index];
}

/** A key that is not there reads as null, an index that is not there is a fault. */
function get(container: Container, key: string): Node {
  if (Array.isArray(container)) return container[indexIn(container, key)]!;
  return Object.hasOwn(container, key) ? container[key]! : null;
}

function add(container: Container, key: string, value: Node): void {
  if (!Array.isArray(container)) {
    setOwn(container, key, value);
    return;
  }
  if (key === '-') {
    container.push(value);
    return;
  }
  const places = container.length + 1;
  const index = within(`value was not a proper array index: '${key}'`, () => parseIndex(key));
  if (index >= places || index < -places) throw new JsonPatchError(`Unable to access invalid index: ${index}: ${invalidIndex}`);
  container.splice(index < 0 ? index + places : index, 0, value);
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) {
    container.splice(indexIn(container, key), 1);
    return;
  }
  if (!Object.hasOwn(container, key)) throw new JsonPatchError(`Unable to remove nonexistent key: ${key}: ${missing}`);
  delete container[key];
}

function indexIn(list: readonly Node[], key: string): number {
  const index = parseIndex(key);
  if (index >= list.length || index < -list.length) throw new JsonPatchError(`Unable to access invalid index: ${index}: ${invalidIndex}`);
  return index < 0 ? index + list.length : index;
}

function parseIndex(key: string): number {
  if (!/^[-+]?\d+$/.test(key)) throw new JsonPatchError(`strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  const index = Number(key);
  if (!Number.isSafeInteger(index)) throw new JsonPatchError(`strconv.Atoi: parsing ${JSON.stringify(key)}: value out of range`);
  return index;
}
