/**
 * Puts the certificate authority of the API server into every namespace, where pods get it from.
 * @source pkg/controller/certificates/rootcacertpublisher, v1.35
 */
import { ApiError, type corev1, corev1Resources, isApiError } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { rootCaMetrics } from './root-ca-metrics.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { isNamespaceTerminating } from '../workload/pod-control.ts';

const name = 'kube-root-ca.crt';
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

/** @param options.rootCa PEM text */
export function createRootCaController(
  { client, informers, clock, registry }: ControllerContext,
  options: { readonly rootCa: string },
): Controller {
  const namespaces = informers.informer(corev1Resources.namespaces);
  const configMaps = informers.informer(corev1Resources.configmaps, { fieldSelector: `metadata.name=${name}` });
  const data = { 'ca.crt': options.rootCa };
  const metrics = rootCaMetrics(registry);

  const setup = (enqueue: (key: string) => void): void => {
    namespaces.addHandler({ added: ({ metadata }) => enqueue(metadata.name), updated: (_, { metadata }) => enqueue(metadata.name) });
    const wake = ({ metadata }: corev1.ConfigMap): void => enqueue(metadata.namespace ?? '');
    configMaps.addHandler({ updated: (_, configMap) => wake(configMap), deleted: wake });
  };

  const reconcile = async (namespace: string, { signal }: Ctx): Promise<Outcome> => {
    if (namespaces.get({ name: namespace })?.status.phase !== 'Active') return done;
    const current = configMaps.get({ namespace, name });
    if (
      current &&
      semanticEqual(current.data, data) &&
      semanticEqual({ ...current.metadata.annotations, ...annotations }, current.metadata.annotations)
    ) {
      return done;
    }
    try {
      if (current) {
        const metadata = { ...current.metadata, annotations: { ...current.metadata.annotations, ...annotations } };
        await client.update(corev1Resources.configmaps, { ...current, metadata, data }, { signal });
      } else {
        const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, annotations }, data } as const;
        await client.create(corev1Resources.configmaps, configMap, { signal });
      }
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists') && !isApiError(error, 'NotFound') && !isNamespaceTerminating(error)) throw error;
    }
    return done;
  };

  const counted = async (namespace: string, ctx: Ctx): Promise<Outcome> => {
    const startMs = clock.monotonic();
    try {
      const outcome = await reconcile(namespace, ctx);
      metrics.synced(200, clock.monotonic() - startMs);
      return outcome;
    } catch (error) {
      metrics.synced(error instanceof ApiError ? error.code : 500, clock.monotonic() - startMs);
      throw error;
    }
  };

  return { name: 'root-ca-certificate-publisher-controller', reconcile: counted, setup, workers: 1 };
}
