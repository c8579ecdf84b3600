/**
 * Roles and bindings that an installer makes once a cluster stands, beside the default policy of the API server: what the API server's
 * own client may do at kubelets, and what the node agents' service proxy and DNS may read. Kept like the default policy.
 * @source kubeadm phases/kubeconfig (kubeadm:cluster-admins), phases/addons/proxy, phases/addons/dns, v1.35; metrics-server manifests/base/rbac.yaml, v0.8
 */
import type { rbacv1, Unsaved } from '../api/index.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

export const installerRoles: readonly Unsaved<rbacv1.ClusterRole>[] = [
  {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion,
    kind: 'ClusterRole',
    metadata: {
      name: 'system:aggregated-metrics-reader',
      // Whoever may look at a namespace may look at what its pods use.
      labels: Object.fromEntries(['admin', 'edit', 'view'].map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true'])),
    },
    rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] }],
  },
];

export const installerBindings: readonly Unsaved<rbacv1.ClusterRoleBinding>[] = [
  binding('kubeadm:cluster-admins', 'cluster-admin', { apiGroup, kind: 'Group', name: 'kubeadm:cluster-admins' }),
  binding('kubeadm:node-proxier', 'system:node-proxier', { kind: 'ServiceAccount', name: 'kube-proxy', namespace: 'kube-system' }),
  binding('system:coredns', 'system:coredns', { kind: 'ServiceAccount', name: 'coredns', namespace: 'kube-system' }),
];

function binding(name: string, role: string, subject: rbacv1.Subject): Unsaved<rbacv1.ClusterRoleBinding> {
  return {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: [subject],
  };
}
