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
import { triggerTimeAnnotation } from '../service-endpoints/trigger-times.ts';

const manager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** Most addresses taken over from one subset. */
const maxPerSubset = 1000;
const maxPerSlice = 1000;
const behindRetryMs = 5_000;
const byService = 'service';

export function createEndpointSliceMirroringController(context: ControllerContext): Controller {
  const { informers, clock, recorder } = context;
  const services = informers.informer(corev1Resources.services);
  const endpoints = informers.informer(corev1Resources.endpoints);
  const slices = informers.informer(discoveryv1Resources.endpointslices);
  const caughtUp = new CaughtUp(clock);

  const setup = (enqueue: (key: string) => void): void => {
    slices.addIndex(byService, sliceService);
    const wake = (object: corev1.Service | corev1.Endpoints): void => enqueue(keyOf(object));
    services.addHandler({ added: wake, updated: (_, service) => wake(service), deleted: wake });
    endpoints.addHandler({ added: wake, updated: (_, object) => wake(object), deleted: wake });
    const wakeOf = (slice: discoveryv1.EndpointSlice): void => {
      if (slice.metadata.labels?.[managedByLabel] === manager) for (const key of sliceService(slice)) enqueue(key);
    };
    slices.addHandler({ added: wakeOf, updated: (_, slice) => wakeOf(slice), deleted: wakeOf });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    if (!caughtUp.isCaughtUp(key, slices)) return { type: 'retryAfter', delayMs: behindRetryMs };
    const service = services.get(splitKey(key));
    const source = endpoints.get(splitKey(key));
    const own = slices.byIndex(byService, key).filter(({ metadata }) => metadata.labels?.[managedByLabel] === manager);
    if (!source || !service || service.spec.selector !== undefined || !mayMirror(source)) {
      const frame = { namespace: undefined, service: '', labels: {}, owner: { apiVersion: '', kind: '', name: '', uid: '' } };
      await writeSlices(
        context,
        { create: [], update: [], remove: own },
        { frame, addressType: '', triggerTime: undefined, caughtUp, key, signal },
      );
      return done;
    }
    const frame = frameOf(source);
    const { groups, skipped } = groupsOf(source);
    if (skipped > 0) {
      const message = `${skipped} addresses were skipped when mirroring endpoints to EndpointSlices because their IPs were invalid or there were too many.`;
      recorder.event(source, { type: 'Warning', reason: 'SkippedEndpoints', message });
    }
    const families = new Set([...groups.keys(), ...own.map(({ addressType }) => addressType)]);
    for (const addressType of families) {
      const existing = own.filter((slice) => slice.addressType === addressType);
      const wanted = groups.get(addressType) ?? [];
      const plan = packSlices({ existing, groups: wanted, maxPerSlice, isOutdated: (slice) => isOutdated(slice, frame) });
      // Mirrored slices come with addresses only; there is no empty one to keep.
      const settled = wanted.length === 0 ? { create: [], update: [], remove: existing } : plan;
      await writeSlices(context, settled, {
        frame,
        addressType,
        triggerTime: source.metadata.annotations?.[triggerTimeAnnotation],
        caughtUp,
        key,
        signal,
      });
    }
    return done;
  };

  return { name: 'endpointslice-mirroring-controller', reconcile, setup, workers: 5 };
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

/** By address type, then by ports. */
function groupsOf({ subsets = [] }: corev1.Endpoints): { groups: Map<string, EndpointGroup[]>; skipped: number } {
  const found = new Map<string, { ports: discoveryv1.EndpointPort[]; endpoints: discoveryv1.Endpoint[] }>();
  let skipped = 0;
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
    skipped += Math.max(0, all.length - maxPerSubset);
    for (const { address, ready } of all.slice(0, maxPerSubset)) {
      const family = ipFamilyOf(address.ip);
      if (family === undefined) {
        skipped++;
        continue;
      }
      const key = `${family} ${portsKey(ports)}`;
      const group = found.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(address, ready));
      found.set(key, group);
    }
  }
  const groups = new Map<string, EndpointGroup[]>();
  for (const [key, group] of found) {
    const family = key.slice(0, key.indexOf(' '));
    groups.set(family, [...(groups.get(family) ?? []), group]);
  }
  return { groups, skipped };
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
