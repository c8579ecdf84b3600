/** Sees to it that every namespace has the ServiceAccount `default`. @source pkg/controller/serviceaccount, v1.35 */
import { corev1Resources, isApiError } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { isNamespaceTerminating } from '../workload/pod-control.ts';

const name = 'default';

export function createServiceAccountsController({ client, informers }: ControllerContext): Controller {
  const namespaces = informers.informer(corev1Resources.namespaces);
  const accounts = informers.informer(corev1Resources.serviceaccounts);

  const setup = (enqueue: (key: string) => void): void => {
    namespaces.addHandler({ added: ({ metadata }) => enqueue(metadata.name), updated: (_, { metadata }) => enqueue(metadata.name) });
    accounts.addHandler({ deleted: ({ metadata }) => metadata.name === name && enqueue(metadata.namespace ?? '') });
  };

  const reconcile = async (namespace: string, { signal }: Ctx): Promise<Outcome> => {
    if (namespaces.get({ name: namespace })?.status.phase !== 'Active' || accounts.get({ namespace, name })) return done;
    try {
      await client.create(
        corev1Resources.serviceaccounts,
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } },
        { signal },
      );
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
    }
    return done;
  };

  return { name: 'serviceaccount-controller', reconcile, setup, workers: 1 };
}
