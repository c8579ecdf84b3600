/**
 * Whether an update changes nothing but what the garbage collector changes to delete an object: that is no grant, whoever does it.
 * @source pkg/registry/rbac/helpers.go IsOnlyMutatingGCFields, v1.35
 */
import type { KubeObject } from '../../../api/index.ts';

export function onlyOwnershipChanged(written: KubeObject, old: KubeObject | undefined): boolean {
  return old !== undefined && isSame(withoutOwnership(written), withoutOwnership(old));
}

function withoutOwnership(object: KubeObject): unknown {
  const { ownerReferences: _owners, finalizers: _finalizers, managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = new Set([...Object.keys(x), ...Object.keys(y)]);
  for (const key of keys) if (!isSame(x[key], y[key])) return false;
  return true;
}
