/**
 * JSON Merge Patch: what the patch says replaces what stands there, null removes. The result shares what did not change with the
 * document.
 * @source RFC 7386; evanphx/json-patch v4.13 (takes nulls out of objects within new lists too)
 */
import type { JsonObject, JsonValue } from '../object.ts';
import { getOwn, isJsonObject, maxTreeDepth, NotJsonError, setOwn } from '../json/tree.ts';

/** The document after the patch. @throws NotJsonError when the patch has more than `maxTreeDepth` levels of objects */
export function applyMergePatch(document: JsonValue | undefined, patch: JsonValue): JsonValue {
  return merged(document, patch, 0);
}

function merged(document: JsonValue | undefined, patch: JsonValue, depth: number): JsonValue {
  // Upstream prunes what it puts in an empty place or over a value of its own, but not a list that it puts over an object.
  if (!isJsonObject(patch)) return isJsonObject(document) ? patch : withoutNulls(patch, depth);
  if (depth >= maxTreeDepth) throw new NotJsonError('exceeded max depth');
  const before: JsonObject = isJsonObject(document) ? document : {};
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(before)) {
    const change = getOwn(patch, key);
    if (change === undefined) setOwn(result, key, before[key]);
    else if (change !== null) setOwn(result, key, merged(before[key], change, depth + 1));
  }
  for (const key of Object.keys(patch)) {
    const change = patch[key];
    if (change !== undefined && change !== null && !Object.hasOwn(before, key)) setOwn(result, key, merged(undefined, change, depth + 1));
  }
  return result;
}

/** A list whose objects have no members that are null; nulls of the list itself stay. */
function withoutNulls(value: JsonValue, depth: number): JsonValue {
  if (!Array.isArray(value)) return isJsonObject(value) ? merged(undefined, value, depth) : value;
  if (depth >= maxTreeDepth) throw new NotJsonError('exceeded max depth');
  return (value as readonly JsonValue[]).map((item) => withoutNulls(item, depth + 1));
}
