/**
 * Shows Endpoints that somebody wrote by hand, for a Service without a selector, as slices too, so that readers need only those.
 * @source pkg/controller/endpointslicemirroring, v1.35
 */
import { type corev1, corev1Resources, type discoveryv1, discoveryv1Resources, ipFamilyOf, newControllerRef } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { CaughtUp } from '../caught-up.ts';
import { sliceService } from '../endpointslice/endpointslice-controller.ts';
import { type EndpointGroup, packSlices, portsKey } from '../endpointslice/pack.ts';
import { isOutdated, managedByLabel, mirroredLabels, serviceNameLabel, type SliceFrame, writeSlices } from '../endpointslice/slices.ts';
import type { SliceOutcome } from '../endpointslice/metrics.ts';
import { MirroringMetrics } from './metrics.ts';
import { triggerTimeAnnotation } from '../service-endpoints/trigger-times.ts';

const manager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
const behindRetryMs = 5_000;
/** Changes can be large: a second between the first tries, not milliseconds. */
const backoff = { initialMs: 1_000, maxMs: 100_000 };
const byService = 'service';

export interface EndpointSliceMirroringOptions {
  /** Changes of mirrored slices within this time are answered together; default 0. */
  readonly updateBatchMs?: number;
  /** Most addresses taken over from one subset; default 1,000. */
  readonly maxEndpointsPerSubset?: number;
}

export function createEndpointSliceMirroringController(
  context: ControllerContext,
  { updateBatchMs = 0, maxEndpointsPerSubset = 1000 }: EndpointSliceMirroringOptions = {},
): Controller {
  const { informers, clock, recorder } = context;
  const services = informers.informer(corev1Resources.services);
  const endpoints = informers.informer(corev1Resources.endpoints);
  const slices = informers.informer(discoveryv1Resources.endpointslices);
  const caughtUp = new CaughtUp(clock);

  const metrics = MirroringMetrics.of(context.registry);

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    slices.addIndex(byService, sliceService);
    const wake = (object: corev1.Service | corev1.Endpoints): void => enqueue(keyOf(object));
    services.addHandler({ added: wake, updated: (_, service) => wake(service), deleted: wake });
    endpoints.addHandler({ added: wake, updated: (_, object) => wake(object), deleted: wake });
    const wakeOf = (slice: discoveryv1.EndpointSlice): void => {
      if (slice.metadata.labels?.[managedByLabel] === manager) for (const key of sliceService(slice)) enqueue(key, updateBatchMs);
    };
    slices.addHandler({ added: wakeOf, updated: (_, slice) => wakeOf(slice), deleted: wakeOf });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    if (!caughtUp.isCaughtUp(key, slices)) return { type: 'retryAfter', delayMs: behindRetryMs };
    const service = services.get(splitKey(key));
    const source = endpoints.get(splitKey(key));
    const own = slices.byIndex(byService, key).filter(({ metadata }) => metadata.labels?.[managedByLabel] === manager);
    if (!source || !service || service.spec.selector !== undefined || !mayMirror(source)) {
      metrics.forget(key);
      const frame = { namespace: undefined, service: '', labels: {}, owner: { apiVersion: '', kind: '', name: '', uid: '' } };
      await writeSlices(
        context,
        { create: [], update: [], remove: own },
        { frame, addressType: '', triggerTime: undefined, caughtUp, key, signal },
      );
      return done;
    }
    const frame = frameOf(source);
    const { groups, invalid, skipped } = groupsOf(source, maxEndpointsPerSubset);
    if (invalid > 0) {
      const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`;
      recorder.event(source, { type: 'Warning', reason: 'InvalidIPAddress', message });
    }
    if (skipped > invalid) {
      const message = `A max of ${maxEndpointsPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
      recorder.event(source, { type: 'Warning', reason: 'TooManyAddressesToMirror', message });
    }
    const outcomes: SliceOutcome[] = [];
    const families = new Set([...groups.keys(), ...own.map(({ addressType }) => addressType)]);
    for (const addressType of families) {
      const existing = own.filter((slice) => slice.addressType === addressType);
      const wanted = groups.get(addressType) ?? [];
      const plan = packSlices({
        existing,
        groups: wanted,
        maxPerSlice: maxEndpointsPerSubset,
        isOutdated: (slice) => isOutdated(slice, frame),
      });
      // Mirrored slices come with addresses only; there is no empty one to keep.
      const settled = wanted.length === 0 ? { create: [], update: [], remove: existing } : plan;
      outcomes.push({ existing, groups: wanted, plan: settled });
      await writeSlices(context, settled, {
        frame,
        addressType,
        triggerTime: source.metadata.annotations?.[triggerTimeAnnotation],
        caughtUp,
        key,
        signal,
      });
    }
    metrics.observe(key, { outcomes, skipped, maxPerSlice: maxEndpointsPerSubset });
    return done;
  };

  const timed = async (key: string, ctx: Ctx): Promise<Outcome> => {
    const startMs = clock.monotonic();
    try {
      return await reconcile(key, ctx);
    } finally {
      metrics.took(clock.monotonic() - startMs);
    }
  };

  return { name: 'endpointslice-mirroring-controller', reconcile: timed, setup, workers: 5, backoff };
}

function mayMirror({ metadata }: corev1.Endpoints): boolean {
  return (
    metadata.labels?.[skipLabel] !== 'true' &&
    metadata.annotations?.[leaderAnnotation] === undefined &&
    metadata.deletionTimestamp === undefined
  );
}

function frameOf(source: corev1.Endpoints): SliceFrame {
  const { [triggerTimeAnnotation]: _time, [lastAppliedAnnotation]: _applied, ...annotations } = source.metadata.annotations ?? {};
  const { namespace, name, labels } = source.metadata;
  return {
    namespace,
    service: name,
    labels: { ...mirroredLabels(labels), [serviceNameLabel]: name, [managedByLabel]: manager },
    annotations,
    owner: newControllerRef(source),
  };
}

interface Mirrored {
  /** By address type, then by ports. */
  readonly groups: Map<string, EndpointGroup[]>;
  /** Addresses that are none. */
  readonly invalid: number;
  /** Those, and the ones beyond the limit. */
  readonly skipped: number;
}

function groupsOf({ subsets = [] }: corev1.Endpoints, maxPerSubset: number): Mirrored {
  const found = new Map<string, { ports: discoveryv1.EndpointPort[]; endpoints: discoveryv1.Endpoint[] }>();
  let [invalid, skipped] = [0, 0];
  for (const { addresses = [], notReadyAddresses = [], ports: own = [] } of subsets) {
    const ports = own.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol && { appProtocol }),
    }));
    const all = [
      ...addresses.map((address) => ({ address, ready: true })),
      ...notReadyAddresses.map((address) => ({ address, ready: false })),
    ];
    let taken = 0;
    for (const { address, ready } of all) {
      if (taken >= maxPerSubset) break;
      const family = ipFamilyOf(address.ip);
      if (family === undefined) {
        invalid++;
        continue;
      }
      taken++;
      const key = `${family} ${portsKey(ports)}`;
      const group = found.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(address, ready));
      found.set(key, group);
    }
    skipped += all.length - taken;
  }
  const groups = new Map<string, EndpointGroup[]>();
  for (const [key, group] of found) {
    const family = key.slice(0, key.indexOf(' '));
    groups.set(family, [...(groups.get(family) ?? []), group]);
  }
  return { groups, invalid, skipped };
}

function endpointOf({ ip, hostname, nodeName, targetRef }: corev1.EndpointAddress, ready: boolean): discoveryv1.Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  };
}
