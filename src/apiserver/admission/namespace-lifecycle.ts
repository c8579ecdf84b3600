/**
 * Nothing is created in a namespace that does not exist or is being deleted, and the namespaces of the system stay.
 * @source apiserver pkg/admission/plugin/namespace/lifecycle
 */
import { ApiError, corev1Resources, notFound, type ResourceDefinition } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

const { namespaces } = corev1Resources;
const immortal: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles: (resource, operation, subresource) => {
    if (isResource(resource, namespaces)) return operation === 'DELETE' && subresource === '';
    return resource.namespaced && (operation === 'CREATE' || operation === 'UPDATE') && !isAccessReview(resource);
  },
  mutate: (request, { registry }) => {
    if (request.operation === 'DELETE') {
      if (immortal.has(request.name)) throw refusal(request, 'this namespace may not be deleted');
      return;
    }
    const name = request.namespace;
    const namespace = registry.cached(namespaces, { namespace: '', name });
    if (!namespace) throw notFound({ group: '', resource: 'namespaces', name });
    if (request.operation !== 'CREATE' || namespace.status?.phase !== 'Terminating') return;
    const { code, reason, message, details } = refusal(
      request,
      `unable to create new content in namespace ${name} because it is being terminated`,
    );
    const cause = { reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' };
    throw new ApiError({ code, reason, message, details: { ...details, causes: [cause] } });
  },
};

/** A question about a namespace changes nothing in it. */
function isAccessReview({ group, plural }: ResourceDefinition): boolean {
  return group === 'authorization.k8s.io' && plural === 'localsubjectaccessreviews';
}
