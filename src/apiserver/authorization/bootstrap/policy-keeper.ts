/**
 * Makes the default policy at the start of the server, and repairs it: what is missing comes back, what an administrator added
 * stays. Runs before the server is ready, as the server itself.
 * @source pkg/registry/rbac/rest/storage_rbac.go PolicyData.EnsureRBACPolicy, v1.35
 */
import {
  type corev1,
  corev1Resources,
  type Draft,
  isApiError,
  type KubeObject,
  type rbacv1,
  rbacv1Resources,
  type ResourceRef,
  type Unsaved,
} from '../../../api/index.ts';
import type { Operation, Registry } from '../../storage.ts';
import { defaultClusterRoleBindings, defaultClusterRoles, defaultRoleBindings, defaultRoles } from './default-policy.ts';
import { type Finding, type Repair, repairBinding, repairRole } from './reconcile.ts';

const options = { fieldManager: 'kube-apiserver' } as const;
const { clusterrolebindings, clusterroles, rolebindings, roles } = rbacv1Resources;

/** What whoever sets a cluster up wants beside the default policy. */
export interface AdditionalPolicy {
  readonly clusterRoles: readonly Unsaved<rbacv1.ClusterRole>[];
  readonly clusterRoleBindings: readonly Unsaved<rbacv1.ClusterRoleBinding>[];
}

export class PolicyKeeper {
  readonly #registry: Registry;
  readonly #op: Operation;
  readonly #more: AdditionalPolicy;

  constructor(registry: Registry, op: Operation, more: AdditionalPolicy = { clusterRoles: [], clusterRoleBindings: [] }) {
    this.#registry = registry;
    this.#op = op;
    this.#more = more;
  }

  /** @throws ApiError when the registry refuses */
  async keep(): Promise<void> {
    const namespacedRoles = defaultRoles();
    await this.#keepAll(clusterroles, [...defaultClusterRoles(), ...this.#more.clusterRoles], repairRole);
    await this.#keepAll(clusterrolebindings, [...defaultClusterRoleBindings(), ...this.#more.clusterRoleBindings], repairBinding);
    await this.#makeNamespaces(new Set(namespacedRoles.map(({ metadata }) => metadata.namespace!)));
    await this.#keepAll(roles, namespacedRoles, repairRole);
    await this.#keepAll(rolebindings, defaultRoleBindings(), repairBinding);
  }

  /** Together, so that they share a commit of the store. */
  async #keepAll<T extends KubeObject>(
    resource: ResourceRef<T>,
    all: readonly Unsaved<T>[],
    repair: (stored: T, wanted: Unsaved<T>) => Finding,
  ): Promise<void> {
    await Promise.all(
      all.map(async (wanted) => {
        const key = keyOf(wanted);
        const stored = this.#registry.cached(resource, key);
        if (!stored) return this.#create(resource, wanted);
        const found = repair(stored, wanted);
        if (found === 'keep') return;
        if (found !== 'replace') return this.#repair(resource, stored, found);
        await this.#registry.storage(resource).delete(key, { preconditions: { uid: stored.metadata.uid } }, this.#op);
        return this.#create(resource, wanted);
      }),
    );
  }

  async #repair<T extends KubeObject>(resource: ResourceRef<T>, stored: T, { metadata, ...fields }: Repair): Promise<void> {
    const change = (draft: Draft<T>): void => {
      Object.assign(draft.metadata, structuredClone(metadata));
      Object.assign(draft, structuredClone(fields));
    };
    await this.#registry.storage(resource).guaranteedUpdate(keyOf(stored), change, options, this.#op);
  }

  async #create<T extends KubeObject>(resource: ResourceRef<T>, wanted: Unsaved<T>): Promise<void> {
    try {
      // A new object needs no more than this; the registry fills in the rest.
      const draft = structuredClone(wanted) as unknown as Draft<T>;
      await this.#registry.storage(resource).create(draft, { ...options, namespace: keyOf(wanted).namespace }, this.#op);
    } catch (error) {
      // Another API server of the cluster was faster.
      if (!isApiError(error, 'AlreadyExists')) throw error;
    }
  }

  /** Roles are made before anybody else made their namespaces. */
  async #makeNamespaces(names: ReadonlySet<string>): Promise<void> {
    for (const name of names) {
      if (this.#registry.cached(corev1Resources.namespaces, { namespace: '', name })) continue;
      const namespace: Unsaved<corev1.Namespace> = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} };
      await this.#create(corev1Resources.namespaces, namespace);
    }
  }
}

function keyOf({ metadata }: { readonly metadata: { readonly namespace?: string; readonly name?: string } }): {
  readonly namespace: string;
  readonly name: string;
} {
  return { namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
}
