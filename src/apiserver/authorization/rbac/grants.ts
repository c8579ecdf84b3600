/**
 * A binding seen from one of its subjects: where it stands, which role it gives, and how upstream describes it in reasons.
 * @source pkg/registry/rbac/validation/rule.go (describers, appliesToUser), v1.35
 */
import { goQuote, type rbacv1 } from '../../../api/index.ts';

/** Where a grant holds: a namespace, or everywhere when it is empty. */
export type Scope = string;

export interface Grant {
  /** The namespace of the binding; empty for a ClusterRoleBinding. */
  readonly scope: Scope;
  /** Namespace and name of the binding, to tell bindings apart. */
  readonly binding: string;
  /** As `roleKey` makes it. */
  readonly role: string;
  readonly subject: Subject;
  /** Such as `ClusterRoleBinding "b" of ClusterRole "r" to User "u"`. */
  readonly description: string;
}

/** A ServiceAccount is the user that its tokens name. */
export interface Subject {
  readonly kind: 'user' | 'group';
  readonly name: string;
}

/** The key of a role that bindings point to: cluster roles have no namespace. */
export function roleKey(kind: string, namespace: string, name: string): string {
  return kind === 'ClusterRole' ? name : `${namespace}/${name}`;
}

/** The role's name as the error says it that is reported when it does not exist. */
export function roleNotFound(role: string): string {
  const slash = role.indexOf('/');
  return slash < 0
    ? `clusterrole.rbac.authorization.k8s.io ${goQuote(role)} not found`
    : `role.rbac.authorization.k8s.io ${goQuote(role.slice(slash + 1))} not found`;
}

export function grantsOf(binding: rbacv1.RoleBinding | rbacv1.ClusterRoleBinding): Grant[] {
  const { roleRef, subjects = [] } = binding;
  const { name, namespace: scope = '' } = binding.metadata;
  const shown = scope === '' ? name : `${name}/${scope}`;
  const giving = `${binding.kind} ${goQuote(shown)} of ${roleRef.kind} ${goQuote(roleRef.name)} to`;
  const role = roleKey(roleRef.kind, scope, roleRef.name);
  const grants: Grant[] = [];
  for (const given of subjects) {
    const subject = subjectOf(given, scope);
    if (subject)
      grants.push({ scope, binding: `${scope}/${name}`, role, subject, description: `${giving} ${describeSubject(given, scope)}` });
  }
  return grants;
}

function subjectOf({ kind, name, namespace = '' }: rbacv1.Subject, scope: Scope): Subject | undefined {
  if (kind === 'User') return { kind: 'user', name };
  if (kind === 'Group') return { kind: 'group', name };
  const home = namespace || scope;
  return kind === 'ServiceAccount' && home !== '' ? { kind: 'user', name: `system:serviceaccount:${home}:${name}` } : undefined;
}

function describeSubject({ kind, name, namespace = '' }: rbacv1.Subject, scope: Scope): string {
  return `${kind} ${goQuote(kind === 'ServiceAccount' ? `${name}/${namespace || scope}` : name)}`;
}
