/**
 * What RoleBinding and ClusterRoleBinding share: defaults, the rules of subjects and of the role they point to, which never
 * changes, and columns.
 * @source pkg/apis/rbac/validation/validation.go, pkg/apis/rbac/v1/defaults.go, pkg/printers/internalversion/printers.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from '../../gen/rbac-v1.ts';
import { nameIsDnsSubdomain, nameRule, pathSegmentErrors } from '../../names.ts';
import type { Draft } from '../../object.ts';
import type { PrinterColumn, Strategy } from '../../resource-definition.ts';
import { sameJson } from '../immutable.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../standard-columns.ts';

type Binding = RoleBinding | ClusterRoleBinding;

const rbacGroup = 'rbac.authorization.k8s.io';

/** Names of roles and bindings may hold anything that can stand in a path. */
export const nameIsPathSegment = nameRule(pathSegmentErrors);

/** @param roleKinds kinds that the binding may point to */
export function bindingStrategy<T extends Binding>(
  roleKinds: readonly string[],
): Omit<Strategy<T>, 'validateName'> & Pick<Strategy<T>, 'validateName'> {
  const validate = ({ roleRef, subjects }: Binding): FieldError[] => {
    const errors: FieldError[] = [];
    validateRoleRef(roleRef, roleKinds, errors);
    for (const [i, subject] of (subjects ?? []).entries()) {
      validateSubject(subject, { path: `subjects[${i}]`, inNamespace: roleKinds.includes('Role') }, errors);
    }
    return errors;
  };
  return {
    validateName: nameIsPathSegment,
    allowCreateOnUpdate: true,
    applyDefaults: (binding) => applyBindingDefaults(binding),
    validate,
    validateUpdate: (binding, old) => {
      const errors = validate(binding);
      if (!sameJson(binding.roleRef, old.roleRef)) errors.push(invalidValue('roleRef', printed(binding.roleRef), 'cannot change roleRef'));
      return errors;
    },
  };
}

/** As upstream prints its own structure. */
function printed(roleRef: Partial<RoleRef> | undefined): object {
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {};
  return { APIGroup: apiGroup, Kind: kind, Name: name };
}

function applyBindingDefaults(binding: Draft<Binding>): void {
  if (binding.roleRef) binding.roleRef.apiGroup ||= rbacGroup;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
  }
}

function validateRoleRef(roleRef: RoleRef | undefined, kinds: readonly string[], errors: FieldError[]): void {
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {};
  if (apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', apiGroup, [rbacGroup]));
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds));
  if (name === '') errors.push(required('roleRef.name'));
  else addInvalid(errors, 'roleRef.name', name, pathSegmentErrors(name));
}

/** @param at.inNamespace the binding has a namespace, where a ServiceAccount without one of its own is looked for */
function validateSubject(
  { kind, name, apiGroup = '', namespace = '' }: Subject,
  { path, inNamespace }: { readonly path: string; readonly inNamespace: boolean },
  errors: FieldError[],
): void {
  if (!name) errors.push(required(`${path}.name`));
  switch (kind) {
    case 'ServiceAccount':
      if (name) addInvalid(errors, `${path}.name`, name, nameIsDnsSubdomain(name, false));
      if (apiGroup !== '') errors.push(notSupported(`${path}.apiGroup`, apiGroup, ['']));
      if (namespace === '' && !inNamespace) errors.push(required(`${path}.namespace`));
      return;
    case 'User':
    case 'Group':
      if (!name) errors.push(invalidValue(`${path}.name`, name, `${kind.toLowerCase()} name cannot be empty`));
      if (apiGroup !== rbacGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]));
      return;
    default:
      errors.push(notSupported(`${path}.kind`, kind ?? '', ['ServiceAccount', 'User', 'Group']));
  }
}

export const bindingColumns: readonly PrinterColumn<Binding>[] = [
  nameColumn,
  column('Role', 'string', 'The role that is given.', ({ roleRef }) => `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`),
  ageColumn,
  wideColumn('Users', 'string', 'Users who have the role.', (binding) => namesOf(binding, 'User')),
  wideColumn('Groups', 'string', 'Groups whose members have the role.', (binding) => namesOf(binding, 'Group')),
  wideColumn('ServiceAccounts', 'string', 'Accounts that have the role, as namespace/name.', (binding) =>
    namesOf(binding, 'ServiceAccount'),
  ),
];

function namesOf({ subjects = [] }: Binding, kind: string): string {
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');
}
