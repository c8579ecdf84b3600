/** The three kinds of patches, and the request that carries one. */
export { applyJsonPatch, JsonPatchError } from './json-patch.ts';
export { applyMergePatch } from './merge-patch.ts';
export { applyStrategicMergePatch, StrategicMergeError } from './strategic-merge-patch.ts';
export { maxJsonPatchOperations, patchObject, type PatchRequest } from './patch-object.ts';
