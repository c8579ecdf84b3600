/**
 * Who names an owner lets the garbage collector delete the object, so they must be allowed to delete it; who makes the owner wait
 * for it must be allowed to set the owner's finalizers.
 * @source kubernetes plugin/pkg/admission/gc, v1.35
 */
import { apiVersionOf, type metav1 } from '../../api/index.ts';
import { deepEqual } from '../../api/json/index.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { type Access, resourceAccess, type Verdict } from '../authorization/index.ts';
import { refusal } from './refusal.ts';

type OwnerReference = metav1.OwnerReference;

export const ownerReferencesPermissionEnforcement: AdmissionPlugin = {
  name: 'OwnerReferencesPermissionEnforcement',
  handles: (resource, operation, subresource) =>
    (operation === 'CREATE' || operation === 'UPDATE') &&
    !(resource.plural === 'pods' && resource.group === '' && subresource === 'status'),
  validate: (request, ctx) => {
    const [now, before] = [ownersOf(request.object), ownersOf(request.oldObject)];
    if (now.length === before.length && now.every((owner, i) => deepEqual(owner, before[i]))) return undefined;
    const { resource, subresource, namespace, name } = request;
    const { group: apiGroup, version, plural } = resource;
    const own = resourceAccess({ verb: 'delete', apiGroup, version, resource: plural, subresource, namespace, name });
    const asked = [{ access: own, why: "cannot set an ownerRef on a resource you can't delete" }];
    const blocking = now.filter((owner) => owner.blockOwnerDeletion === true && !blocks(before, owner));
    for (const owner of blocking) {
      const why = "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on";
      asked.push({ access: finalizersOf(owner, request, ctx), why });
    }
    return askAll(asked, request, ctx);
  },
};

function ownersOf(object: AdmissionRequest['object'] | AdmissionRequest['oldObject']): readonly OwnerReference[] {
  // A body of another kind, such as Binding, may have no metadata.
  return (
    (object as { readonly metadata?: { readonly ownerReferences?: readonly OwnerReference[] } } | undefined)?.metadata?.ownerReferences ??
    []
  );
}

function blocks(owners: readonly OwnerReference[], { uid }: OwnerReference): boolean {
  return owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true);
}

function finalizersOf({ apiVersion, kind, name }: OwnerReference, request: AdmissionRequest, { registry }: AdmissionContext): Access {
  const found = registry.definitions.find((definition) => definition.kind === kind && apiVersionOf(definition) === apiVersion);
  if (!found) {
    const unknown = `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`;
    const why = `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: ${unknown}`;
    throw refusal(request, why);
  }
  const { group: apiGroup, version, plural } = found;
  const namespace = found.namespaced ? request.namespace : '';
  return resourceAccess({ verb: 'update', apiGroup, version, resource: plural, subresource: 'finalizers', namespace, name });
}

/** Goes on at once while the authorizer answers at once. */
function askAll(
  [first, ...others]: readonly { readonly access: Access; readonly why: string }[],
  request: AdmissionRequest,
  ctx: AdmissionContext,
): void | Promise<void> {
  if (!first) return undefined;
  const goOn = ({ decision, reason, error }: Verdict): void | Promise<void> => {
    if (decision !== 'allow') throw refusal(request, `${first.why}: ${reason}, ${error ?? '<nil>'}`);
    return askAll(others, request, ctx);
  };
  const verdict = ctx.authorize(request.user, first.access);
  return verdict instanceof Promise ? verdict.then(goOn) : goOn(verdict);
}
