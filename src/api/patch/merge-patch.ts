/**
 * JSON Merge Patch: what the patch says replaces what stands there, null removes. The result shares what did not change with the
 * document.
 * @source RFC 7386
 */
import type { JsonObject, JsonValue } from '../object.ts';
import { getOwn, isJsonObject, setOwn } from '../json/tree.ts';

/** The document after the patch. */
export function applyMergePatch(document: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  const before: JsonObject = isJsonObject(document) ? document : {};
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(before)) {
    const change = getOwn(patch, key);
    if (change === undefined) setOwn(result, key, before[key]);
    else if (change !== null) setOwn(result, key, applyMergePatch(before[key], change));
  }
  for (const key of Object.keys(patch)) {
    const change = patch[key];
    if (change !== undefined && change !== null && !Object.hasOwn(before, key)) setOwn(result, key, applyMergePatch(undefined, change));
  }
  return result;
}
