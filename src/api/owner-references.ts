/**
 * Who owns and who controls an object. @source apimachinery pkg/apis/meta/v1/controller_ref.go, v1.35
 */
import type { ObjectMeta, OwnerReference } from './gen/meta-v1.ts';
import type { KubeObject } from './object.ts';

/** The one owner that manages the object, if any. */
export function controllerOf(object: { readonly metadata: Pick<ObjectMeta, 'ownerReferences'> }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** Whether `owner` (same uid) manages the object. */
export function isControlledBy(
  object: { readonly metadata: Pick<ObjectMeta, 'ownerReferences'> },
  owner: { readonly metadata: Pick<ObjectMeta, 'uid'> },
): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference that a controller puts on what it makes; deleting the owner in the foreground waits for it. */
export function newControllerRef(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
