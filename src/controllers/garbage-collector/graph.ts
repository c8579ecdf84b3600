/**
 * Who owns whom, as the watches show it. Takes in objects as they come and go and says which of them now need a look. It neither
 * waits nor writes; what it says is a hint, and whoever acts on it asks the server first.
 * @source pkg/controller/garbagecollector/graph_builder.go, v1.35
 */
import type { KubeObject, metav1, ResourceRef } from '../../api/index.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** An object of the graph. */
export interface Item {
  readonly resource: ResourceRef;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly owners: readonly metav1.OwnerReference[];
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
}

/** What a change makes necessary. */
export type Look = { readonly type: 'delete' | 'orphan'; readonly uid: string };

/** Told of an owner reference that leads into another namespace. */
export type InvalidOwner = (item: Item, owner: metav1.OwnerReference) => void;

export function itemOf(resource: ResourceRef, { metadata }: KubeObject): Item {
  const { namespace, name, uid, ownerReferences = [], deletionTimestamp, finalizers = [] } = metadata;
  return { resource, namespace, name, uid, owners: ownerReferences, deleting: deletionTimestamp !== undefined, finalizers };
}

/** It goes when those that block it are gone. */
export function waitsForDependents({ deleting, finalizers }: Pick<Item, 'deleting' | 'finalizers'>): boolean {
  return deleting && finalizers.includes(foregroundFinalizer);
}

function waitsForOrphaning({ deleting, finalizers }: Item): boolean {
  return deleting && finalizers.includes(orphanFinalizer);
}

export class OwnerGraph {
  readonly #items = new Map<string, Item>();
  /** By the owner's uid, whether or not the owner has been seen. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #onInvalidOwner: InvalidOwner;

  constructor(onInvalidOwner: InvalidOwner) {
    this.#onInvalidOwner = onInvalidOwner;
  }

  get size(): number {
    return this.#items.size;
  }

  get(uid: string): Item | undefined {
    return this.#items.get(uid);
  }

  dependentsOf(uid: string): Item[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#items.get(dependent) ?? []);
  }

  /** Dependents that the foreground deletion of the owner waits for. */
  blockingDependentsOf(uid: string): Item[] {
    return this.dependentsOf(uid).filter(({ owners }) => owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
  }

  /** Items with an owner that has not been seen: it may be gone, or its watch may be behind. */
  withUnseenOwners(): Item[] {
    return [...this.#items.values()].filter(({ owners }) => owners.some(({ uid }) => !this.#items.has(uid)));
  }

  put(item: Item): Look[] {
    const old = this.#items.get(item.uid);
    this.#items.set(item.uid, item);
    const looks: Look[] = [];
    for (const owner of item.owners) {
      if (!old?.owners.some(({ uid }) => uid === owner.uid)) looks.push(...this.#link(item, owner));
    }
    for (const owner of old?.owners ?? []) {
      const now = item.owners.find(({ uid }) => uid === owner.uid);
      if (!now) this.#unlink(item.uid, owner.uid);
      if (owner.blockOwnerDeletion === true && now?.blockOwnerDeletion !== true) looks.push(...this.#lookAtWaiting(owner.uid));
    }
    if (waitsForOrphaning(item) && !(old && waitsForOrphaning(old))) looks.push({ type: 'orphan', uid: item.uid });
    if (waitsForDependents(item) && !(old && waitsForDependents(old))) {
      looks.push(...this.dependentsOf(item.uid).map(({ uid }) => ({ type: 'delete', uid }) as const), { type: 'delete', uid: item.uid });
    }
    return looks;
  }

  remove(uid: string): Look[] {
    const item = this.#items.get(uid);
    if (!item) return [];
    this.#items.delete(uid);
    for (const owner of item.owners) this.#unlink(uid, owner.uid);
    const looks: Look[] = this.dependentsOf(uid).map((dependent) => ({ type: 'delete', uid: dependent.uid }));
    for (const owner of item.owners) looks.push(...this.#lookAtWaiting(owner.uid));
    return looks;
  }

  #link(item: Item, owner: metav1.OwnerReference): Look[] {
    const dependents = this.#dependents.get(owner.uid) ?? new Set();
    this.#dependents.set(owner.uid, dependents.add(item.uid));
    const seen = this.#items.get(owner.uid);
    if (seen && reaches(seen, item)) return [];
    if (seen) this.#onInvalidOwner(item, owner);
    return [{ type: 'delete', uid: item.uid }];
  }

  #unlink(uid: string, owner: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(uid);
    if (dependents?.size === 0) this.#dependents.delete(owner);
  }

  #lookAtWaiting(uid: string): Look[] {
    const owner = this.#items.get(uid);
    return owner && waitsForDependents(owner) ? [{ type: 'delete', uid }] : [];
  }
}

/** An owner is of the whole cluster, or of the same namespace. */
function reaches(owner: Item, item: Item): boolean {
  return !owner.namespace || owner.namespace === item.namespace;
}
