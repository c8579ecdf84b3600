/** The ways in which volumes are mounted: what there is, and what goes together. @source pkg/apis/core/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { addUnsupported, forbidden } from '../../field-errors.ts';

/** As messages list them. */
const accessModes: readonly string[] = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
/** As messages list them. */
export const volumeModes: readonly string[] = ['Block', 'Filesystem'];

export function validateAccessModes(modes: readonly string[], path: string, errors: FieldError[]): void {
  for (const mode of modes) addUnsupported(errors, path, mode, accessModes);
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode))) {
    errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  }
}
