/**
 * Lists the pods behind every Service that selects some, in slices that stay small.
 * @source pkg/controller/endpointslice, v1.35
 */
import {
  ApiError,
  type corev1,
  corev1Resources,
  type discoveryv1,
  discoveryv1Resources,
  labelsMatcher,
  newControllerRef,
} from '../../api/index.ts';
import { type Ctx, Registry } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { CaughtUp } from '../caught-up.ts';
import { isHeadless } from '../service-endpoints/pod-endpoints.ts';
import { hasSelector, watchServices } from '../service-endpoints/service-watch.ts';
import { TriggerTimes } from '../service-endpoints/trigger-times.ts';
import { desiredEndpoints } from './desired.ts';
import { HintedServices } from './hinted-services.ts';
import { EndpointSliceMetrics, type SliceOutcome } from './metrics.ts';
import { packSlices, withStandingHints } from './pack.ts';
import { headlessLabel, isOutdated, managedByLabel, mirroredLabels, serviceNameLabel, type SliceFrame, writeSlices } from './slices.ts';
import { wantsTopologyHints } from './topology-hints.ts';

const endpointSliceManager = 'endpointslice-controller.k8s.io';

export interface EndpointSliceOptions {
  /** Default 100. */
  readonly maxEndpointsPerSlice?: number;
  /** Changes of pods within this time are written together; default 0. */
  readonly updateBatchMs?: number;
}

/** A Service with a pod on an unknown node is looked at again. */
const missingNodeRetryMs = 1_000;
/** Should the cache never show a write. */
const behindRetryMs = 5_000;
const byService = 'service';

export function createEndpointSliceController(context: ControllerContext, options: EndpointSliceOptions = {}): Controller {
  const { informers, clock, recorder } = context;
  const maxPerSlice = options.maxEndpointsPerSlice ?? 100;
  const services = informers.informer(corev1Resources.services);
  const pods = informers.informer(corev1Resources.pods);
  const nodes = informers.informer(corev1Resources.nodes);
  const slices = informers.informer(discoveryv1Resources.endpointslices);
  const caughtUp = new CaughtUp(clock);
  const triggerTimes = new TriggerTimes();
  const hinted = new HintedServices(nodes);
  const metrics = EndpointSliceMetrics.of(context.registry ?? new Registry());

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    slices.addIndex(byService, sliceService);
    hinted.watchNodes(enqueue);
    watchServices({ services, pods, enqueue, batchMs: options.updateBatchMs ?? 0, sizeOf: (key) => triggerTimes.sizeOf(key) });
    const wake = (slice: discoveryv1.EndpointSlice): void => {
      if (slice.metadata.labels?.[managedByLabel] === endpointSliceManager) for (const key of sliceService(slice)) enqueue(key);
    };
    slices.addHandler({
      // Our own writes come back here; what they leave to do is nothing, and costs little.
      added: wake,
      updated: (old, slice) => {
        wake(old);
        wake(slice);
      },
      deleted: wake,
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const service = services.get(splitKey(key));
    if (!service || !hasSelector(service)) {
      caughtUp.forget(key);
      triggerTimes.forget(key);
      hinted.forget(key);
      metrics.forget(key);
      return done;
    }
    if (service.metadata.deletionTimestamp !== undefined) return done;
    if (!caughtUp.isCaughtUp(key, slices)) {
      metrics.synced('stale');
      return { type: 'retryAfter', delayMs: behindRetryMs };
    }
    const selector = labelsMatcher(service.spec.selector!);
    const selected = pods.list(service.metadata.namespace).filter(({ metadata }) => selector.matches(metadata.labels));
    const own = slices
      .byIndex(byService, key)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined && metadata.labels?.[managedByLabel] === endpointSliceManager);
    const frame = frameOf(service);
    const triggerTime = triggerTimes.next(service, selected);
    const families = service.spec.ipFamilies ?? ['IPv4'];
    const byTopology = wantsTopologyHints(service);
    const outcomes: SliceOutcome[] = [];
    let withoutNode = 0;
    try {
      for (const family of families) {
        const desired = desiredEndpoints(service, selected, { family, nodeOf: (name) => nodes.get({ name }) });
        withoutNode += desired.withoutNode.length;
        const existing = own.filter(({ addressType }) => addressType === family);
        const plan = packSlices({
          existing,
          groups: byTopology ? withStandingHints(desired.groups, existing) : desired.groups,
          maxPerSlice,
          isOutdated: (slice) => isOutdated(slice, frame),
        });
        const outcome = byTopology ? hinted.hint(key, family, { plan, existing }) : { plan, news: hinted.drop(key, family) };
        if (outcome.news) recorder.event(service, outcome.news);
        outcomes.push({ existing, groups: desired.groups, plan: outcome.plan });
        await writeSlices(context, outcome.plan, { frame, addressType: family, triggerTime, caughtUp, key, signal });
      }
      const stale = own.filter(({ addressType }) => !families.includes(addressType as (typeof families)[number]));
      await writeSlices(context, { create: [], update: [], remove: stale }, { frame, addressType: '', triggerTime, caughtUp, key, signal });
      metrics.observe(key, service, { outcomes, maxPerSlice });
      metrics.synced('success');
    } catch (error) {
      metrics.synced('error');
      if (error instanceof ApiError && error.reason !== 'Conflict') {
        const message = `Error updating Endpoint Slices for Service ${keyOf(service)}: ${error.message}`;
        recorder.event(service, { type: 'Warning', reason: 'FailedToUpdateEndpointSlices', message });
      }
      throw error;
    }
    return withoutNode > 0 ? { type: 'retryAfter', delayMs: missingNodeRetryMs } : done;
  };

  return { name: 'endpointslice-controller', reconcile, setup, workers: 5 };
}

function frameOf(service: corev1.Service): SliceFrame {
  return {
    namespace: service.metadata.namespace,
    service: service.metadata.name,
    labels: {
      ...mirroredLabels(service.metadata.labels),
      [serviceNameLabel]: service.metadata.name,
      [managedByLabel]: endpointSliceManager,
      ...(isHeadless(service) && { [headlessLabel]: '' }),
    },
    owner: newControllerRef(service),
  };
}

/** The key of the Service that a slice belongs to. */
export function sliceService({ metadata }: discoveryv1.EndpointSlice): string[] {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}
