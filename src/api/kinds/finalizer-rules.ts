/** Names of finalizers on built-in kinds. @source pkg/apis/core/validation/validation.go validateKubeFinalizerName, v1.35 */
import type { FieldError } from '../errors.ts';
import { invalidValue } from '../field-errors.ts';

const standard = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** A finalizer without a domain is one of Kubernetes' own. */
export function standardFinalizerErrors(finalizer: string, path: string): FieldError[] {
  if (finalizer.includes('/') || standard.includes(finalizer)) return [];
  return [invalidValue(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')];
}
