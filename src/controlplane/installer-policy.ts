/**
 * Roles and bindings that an installer makes once a cluster stands, beside the default policy of the API server: what the API server's
 * own client may do at kubelets, and what the node agents' service proxy, pod network and DNS may read. Kept like the default policy.
 * @source flannel Documentation/kube-flannel.yml; kubeadm phases/kubeconfig (kubeadm:cluster-admins), phases/addons/proxy, phases/addons/dns, v1.35; metrics-server manifests/base/rbac.yaml, v0.8
 */
import type { rbacv1, Unsaved } from '../api/index.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

const localPathProvisioner: rbacv1.Subject = { kind: 'ServiceAccount', name: 'local-path-provisioner', namespace: 'kube-system' };

export const installerRoles: readonly Unsaved<rbacv1.ClusterRole>[] = [
  {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      // Upstream's is mounted into its pod.
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['coredns'], verbs: ['get', 'list', 'watch'] },
    ],
  },
  {
    // Unlike upstream's it may not write: a node says of itself how it is reached, with rights that end at itself.
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'flannel' },
    rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'kube-network-policies' },
    rules: [
      { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    ],
  },
  {
    // Beside `system:persistent-volume-provisioner`: the nodes' halves let volumes go when their directories are gone.
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'system:local-path-provisioner' },
    rules: [
      { apiGroups: [''], resources: ['persistentvolumes'], verbs: ['update'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
    ],
  },
  {
    // As ingress-nginx's, less what ours does not do: the control plane writes statuses.
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'system:knarr-ingress' },
    rules: [
      { apiGroups: [''], resources: ['nodes', 'secrets', 'services'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'ingressclasses'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
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
  {
    // Of a pod that they may read, which the API server asks beside.
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'system:scheduling-explanation-reader' },
    rules: [{ apiGroups: ['scheduling.knarr.dev'], resources: ['schedulingexplanations'], verbs: ['get'] }],
  },
];

export const installerBindings: readonly Unsaved<rbacv1.ClusterRoleBinding>[] = [
  binding('kubeadm:cluster-admins', 'cluster-admin', { apiGroup, kind: 'Group', name: 'kubeadm:cluster-admins' }),
  binding('kubeadm:node-proxier', 'system:node-proxier', { kind: 'ServiceAccount', name: 'kube-proxy', namespace: 'kube-system' }),
  binding('system:local-path-provisioner', 'system:local-path-provisioner', localPathProvisioner),
  binding('system:local-path-provisioner:volumes', 'system:persistent-volume-provisioner', localPathProvisioner),
  binding('system:scheduling-explanation-reader', 'system:scheduling-explanation-reader', {
    apiGroup,
    kind: 'Group',
    name: 'system:authenticated',
  }),
  binding('flannel', 'flannel', { kind: 'ServiceAccount', name: 'flannel', namespace: 'kube-system' }),
  binding('kube-network-policies', 'kube-network-policies', {
    kind: 'ServiceAccount',
    name: 'kube-network-policies',
    namespace: 'kube-system',
  }),
  binding('system:knarr-ingress', 'system:knarr-ingress', { kind: 'ServiceAccount', name: 'knarr-ingress', namespace: 'kube-system' }),
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
