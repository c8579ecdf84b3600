/**
 * Roles and bindings that an installer makes once a cluster stands, beside the default policy of the API server: what the API server's
 * own client may do at kubelets, and what the node agents' service proxy and DNS may read.
 * @source kubeadm phases/kubeconfig (kubeadm:cluster-admins), phases/addons/proxy, phases/addons/dns, v1.35
 */
import { isApiError, type KubeObject, type rbacv1, rbacv1Resources, type ResourceRef, type Unsaved } from '../api/index.ts';
import { type Clock, isAbort, type TaskGroup } from '../base/index.ts';
import type { Client } from '../client/index.ts';

const { clusterrolebindings, clusterroles } = rbacv1Resources;
const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
const retryMs = 500;

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

/** Makes what is missing, once; what an administrator changed stays. */
export function startInstallerPolicy(client: Client, clock: Clock, group: TaskGroup): void {
  group.spawn('installer policy', async ({ signal, log }) => {
    for (;;) {
      try {
        for (const role of installerRoles) await ensure(client, clusterroles, role, signal);
        for (const one of installerBindings) await ensure(client, clusterrolebindings, one, signal);
        return;
      } catch (err) {
        if (isAbort(err, signal) || !isApiError(err)) throw err;
        log.warn('cannot make the roles of node agents', { err });
        await clock.sleep(retryMs, signal);
      }
    }
  });
}

async function ensure<T extends KubeObject>(
  client: Client,
  resource: ResourceRef<T>,
  wanted: Unsaved<T>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(resource, wanted, { signal });
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) throw error;
  }
}
