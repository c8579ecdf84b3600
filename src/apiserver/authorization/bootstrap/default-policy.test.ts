/** The facts of upstream's golden lists for v1.35 with default feature gates: which objects there are, and how many rules each holds. */
import { describe, expect, test } from 'vitest';
import type { rbacv1, Unsaved } from '../../../api/index.ts';
import { builtinResources } from '../../../api/kinds/index.ts';
import { defaultClusterRoleBindings, defaultClusterRoles, defaultRoleBindings, defaultRoles } from './default-policy.ts';
import { policyRule } from './policy-text.ts';
import { repairBinding, repairRole } from './reconcile.ts';

const counts = (roles: readonly Unsaved<rbacv1.Role | rbacv1.ClusterRole>[]): Record<string, number> =>
  Object.fromEntries(roles.map(({ metadata, rules }) => [metadata.name, rules?.length ?? 0]));

test('every cluster role has as many rules as upstream’s', () => {
  expect(counts(defaultClusterRoles().filter(({ metadata }) => !metadata.name?.startsWith('system:controller:')))).toEqual({
    admin: 0,
    'cluster-admin': 2,
    edit: 0,
    'system:aggregate-to-admin': 2,
    'system:aggregate-to-edit': 14,
    'system:aggregate-to-view': 11,
    'system:auth-delegator': 2,
    'system:basic-user': 2,
    'system:certificates.k8s.io:certificatesigningrequests:nodeclient': 1,
    'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': 1,
    'system:certificates.k8s.io:kube-apiserver-client-approver': 1,
    'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': 1,
    'system:certificates.k8s.io:kubelet-serving-approver': 1,
    'system:certificates.k8s.io:legacy-unknown-approver': 1,
    'system:discovery': 1,
    'system:heapster': 2,
    'system:kube-aggregator': 1,
    'system:kube-controller-manager': 11,
    'system:kube-dns': 1,
    'system:kube-scheduler': 24,
    'system:kubelet-api-admin': 4,
    'system:monitoring': 1,
    'system:node': 25,
    'system:node-bootstrapper': 1,
    'system:node-problem-detector': 3,
    'system:node-proxier': 5,
    'system:persistent-volume-provisioner': 5,
    'system:public-info-viewer': 1,
    'system:service-account-issuer-discovery': 1,
    'system:volume-scheduler': 3,
    view: 0,
  });
});

test('every controller has a role, and a binding to its account', () => {
  const roles = defaultClusterRoles().filter(({ metadata }) => metadata.name?.startsWith('system:controller:'));
  expect(Object.values(counts(roles)).join(' ')).toBe('8 6 1 6 8 6 9 4 4 5 4 5 2 8 5 2 3 5 10 3 2 3 5 5 6 3 2 3 5 2 5 4 10 2 2 3 4');
  for (const { metadata, roleRef, subjects } of defaultClusterRoleBindings().slice(-roles.length)) {
    expect(roleRef.name).toBe(metadata.name);
    expect(subjects).toEqual([
      { kind: 'ServiceAccount', name: metadata.name!.slice('system:controller:'.length), namespace: 'kube-system' },
    ]);
  }
});

test('what is made passes the rules of its kind, and carries the marks of the default policy', () => {
  const all = [...defaultClusterRoles(), ...defaultClusterRoleBindings(), ...defaultRoles(), ...defaultRoleBindings()];
  for (const object of all) {
    const { strategy } = builtinResources.find(({ kind }) => kind === object.kind)!;
    expect(strategy.validate(object as never, {} as never)).toEqual([]);
    expect(object.metadata.labels).toMatchObject({ 'kubernetes.io/bootstrapping': 'rbac-defaults' });
    expect(object.metadata.annotations).toEqual({ 'rbac.authorization.kubernetes.io/autoupdate': 'true' });
  }
  expect(new Set(all.map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`)).size).toBe(all.length);
  const roles = new Set(all.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`));
  for (const { metadata, roleRef } of [...defaultClusterRoleBindings(), ...defaultRoleBindings()]) {
    expect(roles).toContain(`${roleRef.kind}/${roleRef.kind === 'Role' ? metadata.namespace : ''}/${roleRef.name}`);
  }
});

test.each<[string, rbacv1.PolicyRule]>([
  ['read core: pods nodes', { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['get', 'list', 'watch'] }],
  [
    'get,update coordination: leases = b a',
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: ['a', 'b'], verbs: ['get', 'update'] },
  ],
  ['* *: *', { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  ['get /b /a/*', { nonResourceURLs: ['/a/*', '/b'], verbs: ['get'] }],
  ['delete apps,core: x', { apiGroups: ['', 'apps'], resources: ['x'], verbs: ['delete'] }],
])('%s', (text, rule) => expect(policyRule(text)).toEqual(rule));

describe('an object of the default policy', () => {
  const [wanted] = defaultRoles();
  const [binding] = defaultRoleBindings();
  const role = { ...wanted!, rules: [...wanted!.rules!, policyRule('get core: pods')] } as rbacv1.Role;

  test('is left as it is when it holds what it should, and more', () => expect(repairRole(role, wanted!)).toBe('keep'));

  test('gets back what it lacks, beside what was added', () => {
    const lacking = { ...role, rules: [policyRule('get core: pods')] };
    expect(repairRole(lacking, wanted!)).toEqual({
      rules: [
        policyRule('get core: pods'),
        ...['get', 'list', 'watch'].map((verb) => policyRule(`${verb} core: configmaps = extension-apiserver-authentication`)),
      ],
    });
  });

  test('stays as an administrator wants it who says so', () => {
    const metadata = { ...role.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } };
    expect(repairRole({ ...role, metadata, rules: [] }, wanted!)).toBe('keep');
    expect(repairBinding({ ...binding!, metadata, subjects: [] }, binding!)).toBe('keep');
  });

  test('gets back labels and subjects, and is made anew when it points elsewhere', () => {
    const stored = {
      ...binding!,
      metadata: { ...binding!.metadata, labels: { mine: 'x' } },
      subjects: [],
    } as unknown as rbacv1.RoleBinding;
    expect(repairBinding(stored, binding!)).toEqual({
      metadata: { labels: { mine: 'x', 'kubernetes.io/bootstrapping': 'rbac-defaults' }, annotations: binding!.metadata.annotations },
      subjects: binding!.subjects,
    });
    expect(repairBinding({ ...stored, roleRef: { ...stored.roleRef, name: 'other' } }, binding!)).toBe('replace');
  });
});
