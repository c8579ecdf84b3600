/**
 * Roles in the system's own namespaces, and who has them.
 * @source plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go, v1.35
 */
import { tellEvents } from './policy-text.ts';

/** By namespace and name. */
export const namespaceRoles: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'kube-system': {
    'extension-apiserver-authentication-reader': ['read core: configmaps = extension-apiserver-authentication'],
    'system:controller:bootstrap-signer': ['read core: secrets'],
    'system:controller:cloud-provider': ['create,get,list,watch core: configmaps'],
    'system:controller:token-cleaner': ['delete,get,list,watch core: secrets', tellEvents],
    'system::leader-locking-kube-controller-manager': ['watch core: configmaps', 'get,update core: configmaps = kube-controller-manager'],
    'system::leader-locking-kube-scheduler': ['watch core: configmaps', 'get,update core: configmaps = kube-scheduler'],
  },
  'kube-public': {
    'system:controller:bootstrap-signer': ['read core: configmaps', 'update core: configmaps = cluster-info', tellEvents],
  },
};

export interface NamespaceBinding {
  readonly role: string;
  /** As in `clusterRoleBindings`. */
  readonly subjects: readonly string[];
}

/** By namespace and name. */
export const namespaceRoleBindings: Readonly<Record<string, Readonly<Record<string, NamespaceBinding>>>> = {
  'kube-system': {
    'system::extension-apiserver-authentication-reader': {
      role: 'extension-apiserver-authentication-reader',
      subjects: ['u:system:kube-controller-manager', 'u:system:kube-scheduler'],
    },
    'system::leader-locking-kube-controller-manager': {
      role: 'system::leader-locking-kube-controller-manager',
      subjects: ['u:system:kube-controller-manager', 's:kube-controller-manager'],
    },
    'system::leader-locking-kube-scheduler': {
      role: 'system::leader-locking-kube-scheduler',
      subjects: ['u:system:kube-scheduler', 's:kube-scheduler'],
    },
    'system:controller:bootstrap-signer': { role: 'system:controller:bootstrap-signer', subjects: ['s:bootstrap-signer'] },
    'system:controller:cloud-provider': { role: 'system:controller:cloud-provider', subjects: ['s:cloud-provider'] },
    'system:controller:token-cleaner': { role: 'system:controller:token-cleaner', subjects: ['s:token-cleaner'] },
  },
  'kube-public': {
    'system:controller:bootstrap-signer': { role: 'system:controller:bootstrap-signer', subjects: ['s:bootstrap-signer'] },
  },
};
