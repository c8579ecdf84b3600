/**
 * Keeps the Endpoints object of every Service that selects pods: the older form of what EndpointSlices say.
 * @source pkg/controller/endpoint/endpoints_controller.go, v1.35
 */
import { ApiError, type corev1, corev1Resources, isApiError, labelsMatcher, type Unsaved } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { isNamespaceTerminating } from '../workload/pod-control.ts';
import { isHeadless } from '../service-endpoints/pod-endpoints.ts';
import { hasSelector, watchServices } from '../service-endpoints/service-watch.ts';
import { TriggerTimes, triggerTimeAnnotation } from '../service-endpoints/trigger-times.ts';
import { subsetsOf, truncate } from './subsets.ts';

const headlessLabel = 'service.kubernetes.io/headless';
const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

export interface EndpointsOptions {
  /** Changes of pods within this time are written together; default 0. */
  readonly updateBatchMs?: number;
}

export function createEndpointsController(context: ControllerContext, options: EndpointsOptions = {}): Controller {
  const { client, informers, recorder } = context;
  const services = informers.informer(corev1Resources.services);
  const pods = informers.informer(corev1Resources.pods);
  const endpoints = informers.informer(corev1Resources.endpoints);
  const triggerTimes = new TriggerTimes();

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    watchServices({ services, pods, enqueue, batchMs: options.updateBatchMs ?? 0, sizeOf: (key) => triggerTimes.sizeOf(key) });
    // What was left by Services that were deleted while nobody watched.
    endpoints.addHandler({
      added: (object) => {
        if (!services.get(object.metadata) && object.metadata.labels?.[managedByLabel] !== undefined) enqueue(keyOf(object));
      },
      deleted: (object) => enqueue(keyOf(object)),
    });
  };

  const remove = async (key: string, signal: AbortSignal): Promise<void> => {
    triggerTimes.forget(key);
    const left = endpoints.get(splitKey(key));
    if (!left) return;
    try {
      await client.delete(corev1Resources.endpoints, left.metadata, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const service = services.get(splitKey(key));
    if (!service) {
      await remove(key, signal);
      return done;
    }
    if (!hasSelector(service)) return done;
    const selector = labelsMatcher(service.spec.selector!);
    const selected = pods.list(service.metadata.namespace).filter(({ metadata }) => selector.matches(metadata.labels));
    const current = endpoints.get(splitKey(key));
    const wanted = endpointsOf(service, { selected, current, triggerTime: triggerTimes.next(service, selected) });
    if (current && isSame(current, wanted)) return done;
    try {
      if (current)
        await client.update(
          corev1Resources.endpoints,
          { ...current, ...wanted, metadata: { ...current.metadata, ...wanted.metadata } },
          { signal },
        );
      else await client.create(corev1Resources.endpoints, wanted, { signal });
    } catch (error) {
      // Nothing new comes into a namespace that goes.
      if (!current && isNamespaceTerminating(error)) return done;
      if (error instanceof ApiError) report(current ?? wanted, { error, created: !current });
      throw error;
    }
    return done;
  };

  const report = (
    { metadata: { namespace = '', name = '', uid = '' } }: Unsaved<corev1.Endpoints>,
    { error, created }: { readonly error: ApiError; readonly created: boolean },
  ): void => {
    if (error.reason === 'Conflict' || error.reason === 'AlreadyExists') return;
    const what = `${created ? 'Failed to create endpoint for service' : 'Failed to update endpoint'} ${namespace}/${name}`;
    recorder.event(
      { apiVersion: 'v1', kind: 'Endpoints', namespace, name, uid },
      { type: 'Warning', reason: created ? 'FailedToCreateEndpoint' : 'FailedToUpdateEndpoint', message: `${what}: ${error.message}` },
    );
  };

  return { name: 'endpoints-controller', reconcile, setup, workers: 5 };
}

interface EndpointsInput {
  readonly selected: readonly corev1.Pod[];
  readonly current: corev1.Endpoints | undefined;
  readonly triggerTime: string | undefined;
}

function endpointsOf(service: corev1.Service, { selected, current, triggerTime }: EndpointsInput): Unsaved<corev1.Endpoints> {
  const { namespace, name } = service.metadata;
  const { subsets, truncated } = truncate(subsetsOf(service, selected));
  const { [triggerTimeAnnotation]: _time, [overCapacityAnnotation]: _over, ...kept } = current?.metadata.annotations ?? {};
  const annotations = {
    ...kept,
    ...(triggerTime !== undefined && { [triggerTimeAnnotation]: triggerTime }),
    ...(truncated && { [overCapacityAnnotation]: 'truncated' }),
  };
  const labels = {
    ...service.metadata.labels,
    [managedByLabel]: 'endpoint-controller',
    ...(isHeadless(service) && { [headlessLabel]: '' }),
  };
  if (!isHeadless(service)) delete (labels as Record<string, string>)[headlessLabel];
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, ...(namespace !== undefined && { namespace }), labels, annotations },
    subsets,
  };
}

/** The trigger time alone is no reason to write. */
function isSame(current: corev1.Endpoints, wanted: Unsaved<corev1.Endpoints>): boolean {
  const over = (object: Unsaved<corev1.Endpoints>): string | undefined => object.metadata.annotations?.[overCapacityAnnotation];
  return (
    semanticEqual(current.subsets, wanted.subsets) &&
    semanticEqual(current.metadata.labels, wanted.metadata.labels) &&
    over(current) === over(wanted)
  );
}
