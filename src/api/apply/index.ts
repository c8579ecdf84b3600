/** Server-side apply and the ownership of fields. */
export { applyPatch, type ApplyRequest, type ApplyResult } from './apply-patch.ts';
export { objectType, updateManagedFields, type UpdateRequest, type WriteContext } from './update-managed-fields.ts';
export { type Versioned, type VersionConverter } from './ownership.ts';
export { readManagers, type ManagedFieldsEntry, writeManagers } from './managers.ts';
export { isUnchanged } from './unchanged.ts';
export { fieldManagerOf, validateFieldManager, validateManagedFields } from './validate-managed-fields.ts';
export { lastAppliedAnnotation } from './last-applied.ts';
