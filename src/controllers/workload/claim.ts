/**
 * Adoption and release: a controller takes what its selector matches and nobody controls, and lets go of what it controls but no
 * longer matches.
 * @source pkg/controller/controller_ref_manager.go
 */
import { controllerOf, isApiError, type KubeObject, type LabelMatcher, newControllerRef, type ResourceRef } from '../../api/index.ts';
import type { Client } from '../../client/index.ts';

type Claim = 'keep' | 'adopt' | 'release' | 'ignore';

/** What an owner with this selector does about one object of its namespace. */
function claimOf(object: KubeObject, owner: { readonly object: KubeObject; readonly selector: LabelMatcher }): Claim {
  const deleting = owner.object.metadata.deletionTimestamp !== undefined;
  const matches = owner.selector.matches(object.metadata.labels);
  const ref = controllerOf(object);
  if (ref) {
    if (ref.uid !== owner.object.metadata.uid) return 'ignore';
    if (matches) return 'keep';
    return deleting ? 'ignore' : 'release';
  }
  return !deleting && matches && object.metadata.deletionTimestamp === undefined ? 'adopt' : 'ignore';
}

export interface ClaimOptions<T extends KubeObject> {
  readonly client: Client;
  readonly owner: KubeObject;
  readonly ownerResource: ResourceRef;
  readonly selector: LabelMatcher;
  readonly resource: ResourceRef<T>;
  readonly candidates: readonly T[];
  /** Put on what is adopted and taken off what is released. */
  readonly finalizer?: string;
  readonly signal: AbortSignal;
}

/**
 * Adopts and releases among `candidates`, and returns what the owner controls afterwards.
 * @throws ApiError when a write fails for another reason than that the object is gone
 */
export async function claim<T extends KubeObject>(options: ClaimOptions<T>): Promise<T[]> {
  const { owner, selector, candidates, finalizer } = options;
  const claimed: T[] = [];
  let mayAdopt: boolean | undefined;
  for (const object of candidates) {
    const verdict = claimOf(object, { object: owner, selector });
    if (verdict === 'keep') claimed.push(object);
    if (verdict === 'release') {
      const finalizers = finalizer === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': [finalizer] };
      await write(options, object, { ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }], ...finalizers });
    }
    if (verdict === 'adopt') {
      // The cache may not know yet that the owner is being deleted: adopting then would delete what belongs to nobody.
      mayAdopt ??= await stillThere(options);
      const finalizers = finalizer === undefined ? {} : { finalizers: [finalizer] };
      const adopted = mayAdopt && (await write(options, object, { ownerReferences: [newControllerRef(owner)], ...finalizers }));
      if (adopted) claimed.push(adopted);
    }
  }
  return claimed;
}

async function stillThere<T extends KubeObject>({ client, owner, ownerResource, signal }: ClaimOptions<T>): Promise<boolean> {
  try {
    const fresh = await client.get(ownerResource, owner.metadata, { signal });
    return fresh.metadata.uid === owner.metadata.uid && fresh.metadata.deletionTimestamp === undefined;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return false;
    throw error;
  }
}

/** The uid in the patch makes the server refuse it when another object has taken the name. Undefined when the object is gone. */
async function write<T extends KubeObject>(options: ClaimOptions<T>, object: T, metadata: object): Promise<T | undefined> {
  const { client, resource, signal } = options;
  const body = { metadata: { uid: object.metadata.uid, ...metadata } };
  try {
    return await client.patch(resource, object.metadata, { type: 'application/strategic-merge-patch+json', body }, { signal });
  } catch (error) {
    if (isApiError(error, 'NotFound') || isApiError(error, 'Invalid') || isApiError(error, 'Conflict')) return undefined;
    throw error;
  }
}
