/**
 * What happens in a namespace that does not exist: nothing, or it is made. Both are older than NamespaceLifecycle, which is on by
 * default.
 * @source kubernetes plugin/pkg/admission/namespace/{exists,autoprovision}, v1.35
 */
import { corev1Resources, isApiError, notFound } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { loopbackUser } from '../auth/users.ts';

const { namespaces } = corev1Resources;

export const namespaceExists: AdmissionPlugin = {
  name: 'NamespaceExists',
  handles: (resource, operation) => resource.namespaced && operation !== 'CONNECT',
  validate: ({ namespace: name }, { registry }) => {
    if (!registry.cached(namespaces, { namespace: '', name })) throw notFound({ group: '', resource: 'namespaces', name });
  },
};

export const namespaceAutoProvision: AdmissionPlugin = {
  name: 'NamespaceAutoProvision',
  handles: (resource, operation) => resource.namespaced && operation === 'CREATE',
  mutate: ({ namespace: name, options }, { registry, signal }) => {
    if (options.dryRun || registry.cached(namespaces, { namespace: '', name })) return undefined;
    const op = { user: loopbackUser, signal, warn: () => {} };
    // The registry fills in what it gives every object.
    const draft = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } as Parameters<typeof storage.create>[0];
    const storage = registry.storage(namespaces);
    return storage.create(draft, { namespace: '', fieldManager: 'kube-apiserver' }, op).then(
      () => {},
      (error: unknown) => {
        if (!isApiError(error, 'AlreadyExists')) throw error;
      },
    );
  },
};
