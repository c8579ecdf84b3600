/**
 * What an apply that is not forced may not change: fields that others own and whose value it would alter.
 * @source apimachinery util/managedfields/internal/conflict.go; structured-merge-diff merge/conflict.go
 */
import { ApiError } from '../errors.ts';
import { isEmptySet, pathsOf, type FieldSet } from './field-set.ts';
import { compareText, managerId, type Manager } from './managers.ts';
import { printPath } from './path-element.ts';

export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

/** Conflicts without the fields of `allowed`. */
export function conflictsBeyond(conflicts: readonly Conflict[], allowed: (fields: FieldSet) => FieldSet): Conflict[] {
  return conflicts.map(({ manager, fields }) => ({ manager, fields: allowed(fields) })).filter(({ fields }) => !isEmptySet(fields));
}

/** The 409 that names every field and whose it is. */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const sorted = conflicts.toSorted((a, b) => compareText(managerId(a.manager), managerId(b.manager)));
  const found = sorted.map(({ manager, fields }) => ({
    manager: printManager(manager),
    paths: [...pathsOf(fields)].map(printPath),
  }));
  const causes = found.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Apply failed with ${describe(found, causes.length)}`,
    details: { causes },
  });
}

function describe(found: readonly { readonly manager: string; readonly paths: readonly string[] }[], count: number): string {
  if (count === 1) return `1 conflict: conflict with ${found[0]!.manager}: ${found[0]!.paths[0]!}`;
  const lines = found.flatMap(({ manager, paths }) => [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)]);
  return `${count} conflicts: ${lines.join('\n')}`;
}

function printManager(manager: Manager): string {
  const name = JSON.stringify(manager.name);
  const where = manager.subresource === '' ? name : `${name} with subresource ${JSON.stringify(manager.subresource)}`;
  return manager.operation === 'Update' ? `${where} using ${manager.apiVersion}` : where;
}
