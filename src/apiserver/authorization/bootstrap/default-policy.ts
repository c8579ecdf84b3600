/** The default policy as objects: what `kubectl get` shows of a fresh cluster. Pure. */
import type { rbacv1, Unsaved } from '../../../api/index.ts';
import { clusterRoleBindings, clusterRoles, type RoleEntry } from './cluster-roles.ts';
import { controllerRoles } from './controller-roles.ts';
import { namespaceRoleBindings, namespaceRoles } from './namespace-roles.ts';
import { policyRule } from './policy-text.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

/** `false` keeps an administrator's changes: reconciliation leaves the object alone. */
export const autoUpdateAnnotation = 'rbac.authorization.kubernetes.io/autoupdate';

const annotations = { [autoUpdateAnnotation]: 'true' };
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const aggregateTo = (role: string): Record<string, string> => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' });

export function defaultClusterRoles(): Unsaved<rbacv1.ClusterRole>[] {
  return [
    ...Object.entries(clusterRoles).map(([name, entry]) => clusterRole(name, entry)),
    ...Object.entries(controllerRoles).map(([name, rules]) => clusterRole(`system:controller:${name}`, { rules })),
  ];
}

export function defaultClusterRoleBindings(): Unsaved<rbacv1.ClusterRoleBinding>[] {
  const controllers = Object.keys(controllerRoles).map((name) => [`system:controller:${name}`, [`s:${name}`]] as const);
  return [...Object.entries(clusterRoleBindings), ...controllers].map(([name, subjects]) => ({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name, annotations, labels },
    roleRef: { apiGroup, kind: 'ClusterRole', name },
    ...(subjects.length > 0 && { subjects: subjects.map(subject) }),
  }));
}

export function defaultRoles(): Unsaved<rbacv1.Role>[] {
  return Object.entries(namespaceRoles).flatMap(([namespace, roles]) =>
    Object.entries(roles).map(([name, rules]) => ({
      apiVersion,
      kind: 'Role' as const,
      metadata: { name, namespace, annotations, labels },
      rules: rules.map(policyRule),
    })),
  );
}

export function defaultRoleBindings(): Unsaved<rbacv1.RoleBinding>[] {
  return Object.entries(namespaceRoleBindings).flatMap(([namespace, bindings]) =>
    Object.entries(bindings).map(([name, { role, subjects }]) => ({
      apiVersion,
      kind: 'RoleBinding' as const,
      metadata: { name, namespace, annotations, labels },
      roleRef: { apiGroup, kind: 'Role', name: role },
      subjects: subjects.map(subject),
    })),
  );
}

function clusterRole(name: string, { rules, gathers, gatheredBy }: RoleEntry): Unsaved<rbacv1.ClusterRole> {
  return {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name, annotations, labels: { ...labels, ...(gatheredBy !== undefined && aggregateTo(gatheredBy)) } },
    ...(gathers && { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] } }),
    ...(rules.length > 0 && { rules: rules.map(policyRule) }),
  };
}

function subject(text: string): rbacv1.Subject {
  const name = text.slice(2);
  if (text.startsWith('s:')) return { kind: 'ServiceAccount', name, namespace: 'kube-system' };
  return { apiGroup, kind: text.startsWith('u:') ? 'User' : 'Group', name };
}
