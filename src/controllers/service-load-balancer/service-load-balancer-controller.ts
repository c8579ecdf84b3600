/**
 * Gives Services of type LoadBalancer their addresses, and takes them back.
 * Invariants: what was granted counts as held from the moment of the decision, also before the cache shows it, and one worker decides, so no
 * two Services get the same; a Service that gets nothing is asked again when another gives something back.
 * @source cloud-provider v1.35, controllers/service/controller.go (finalizer, events, messages)
 */
import {
  type AddressPool,
  type corev1,
  corev1Resources,
  type discoveryv1,
  discoveryv1Resources,
  parseAddressPool,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { canServe, type Holding, planAddresses, wantsLoadBalancer } from './plan.ts';

export interface ServiceLoadBalancerOptions {
  /** Such as `10.0.0.240-10.0.0.250,fd00::/120`; left out: the nodes' own addresses are given. */
  readonly pool?: string;
}

const finalizer = 'service.kubernetes.io/load-balancer-cleanup';
const byService = 'balanced-service';

interface Grant {
  readonly uid: string | undefined;
  readonly ips: readonly string[];
}

export function createServiceLoadBalancerController(context: ControllerContext, options: ServiceLoadBalancerOptions): Controller {
  const { client, informers, recorder } = context;
  const services = informers.informer(corev1Resources.services);
  const nodes = informers.informer(corev1Resources.nodes);
  const slices = informers.informer(discoveryv1Resources.endpointslices);
  slices.addIndex(byService, (slice) => serviceKeysOf(slice));
  const pool: AddressPool = parseAddressPool(options.pool ?? '');
  /** Every Service that has or wants addresses. */
  const balanced = new Set<string>();
  const grants = new Map<string, Grant>();
  const pending = new Set<string>();
  let wakeAll = (): void => {};
  let wakePending = (): void => {};

  const setup = (enqueue: (key: string) => void): void => {
    wakeAll = () => balanced.forEach(enqueue);
    wakePending = () => pending.forEach(enqueue);
    const wake = (service: corev1.Service): void => {
      const key = keyOf(service);
      if (wantsLoadBalancer(service) || isOurs(service)) balanced.add(key);
      if (balanced.has(key)) enqueue(key);
    };
    services.addHandler({ added: wake, updated: (_, service) => wake(service), deleted: (service) => enqueue(keyOf(service)) });
    const wakeLocal = (slice: discoveryv1.EndpointSlice): void => {
      for (const key of serviceKeysOf(slice)) {
        if (balanced.has(key) && services.get(splitKey(key))?.spec.externalTrafficPolicy === 'Local') enqueue(key);
      }
    };
    slices.addHandler({ added: wakeLocal, updated: (_, slice) => wakeLocal(slice), deleted: wakeLocal });
    nodes.addHandler({
      added: () => wakeAll(),
      updated: (old, node) => {
        if (canServe(old) !== canServe(node) || addressesText(old) !== addressesText(node)) wakeAll();
      },
      deleted: () => wakeAll(),
    });
  };

  const heldBy = (service: corev1.Service): readonly string[] => {
    const grant = grants.get(keyOf(service));
    return grant?.uid === service.metadata.uid && grant !== undefined ? grant.ips : statusIps(service);
  };

  const othersThan = (key: string): Holding[] =>
    [...balanced].flatMap((each) => {
      const other = each === key ? undefined : services.get(splitKey(each));
      return other ? [{ key: each, ips: heldBy(other), ports: other.spec.ports ?? [] }] : [];
    });

  const forget = (key: string): void => {
    grants.delete(key);
    pending.delete(key);
    balanced.delete(key);
    wakePending();
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const service = services.get(splitKey(key));
    if (!service) {
      forget(key);
      return done;
    }
    const { metadata } = service;
    if (!wantsLoadBalancer(service) || metadata.deletionTimestamp !== undefined) {
      if (!isOurs(service)) return done;
      recorder.event(service, { type: 'Normal', reason: 'DeletingLoadBalancer', message: 'Deleting load balancer' });
      await write(service, { finalizers: (metadata.finalizers ?? []).filter((each) => each !== finalizer), ips: [] }, signal);
      recorder.event(service, { type: 'Normal', reason: 'DeletedLoadBalancer', message: 'Deleted load balancer' });
      forget(key);
      return done;
    }
    const current = heldBy(service);
    const plan = planAddresses({
      service,
      current,
      others: othersThan(key),
      nodes: nodes.list(),
      nodesWithEndpoints: nodesServing(slices.byIndex(byService, key)),
      pool,
    });
    if (plan.type === 'refuse') {
      pending.add(key);
      const message = `Error syncing load balancer: failed to ensure load balancer: ${plan.message}`;
      recorder.event(service, { type: 'Warning', reason: 'SyncLoadBalancerFailed', message });
    } else {
      pending.delete(key);
      if (plan.ips.length === 0)
        recorder.event(service, {
          type: 'Warning',
          reason: 'UnAvailableLoadBalancer',
          message: 'There are no available nodes for LoadBalancer',
        });
    }
    const ips = plan.type === 'have' ? plan.ips : [];
    const shown = statusIps(service);
    const settled = same(ips, shown) && (ips.length === 0 || isOurs(service));
    grants.set(key, { uid: metadata.uid, ips });
    if (settled) return done;
    const fresh = shown.length === 0;
    if (fresh) recorder.event(service, { type: 'Normal', reason: 'EnsuringLoadBalancer', message: 'Ensuring load balancer' });
    await write(service, { finalizers: [...new Set([...(metadata.finalizers ?? []), finalizer])], ips }, signal);
    if (ips.length > 0) {
      const told = fresh
        ? { reason: 'EnsuredLoadBalancer', message: 'Ensured load balancer' }
        : { reason: 'UpdatedLoadBalancer', message: 'Updated load balancer with new hosts' };
      recorder.event(service, { type: 'Normal', ...told });
    }
    if (shown.some((ip) => !ips.includes(ip))) wakePending();
    return done;
  };

  /** Finalizers and addresses in one write; a Service that changed meanwhile is looked at again. */
  const write = async (
    { metadata }: corev1.Service,
    { finalizers, ips }: { readonly finalizers: readonly string[]; readonly ips: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> => {
    const { name, namespace, resourceVersion } = metadata;
    const ingress = ips.map((ip) => ({ ip, ipMode: 'VIP' }));
    const body = { metadata: { resourceVersion, finalizers }, status: { loadBalancer: { ingress: ingress.length > 0 ? ingress : null } } };
    const key = { name, ...(namespace !== undefined && { namespace }) };
    await client.patch(corev1Resources.services, key, { type: 'application/merge-patch+json', body, subresource: 'status' }, { signal });
  };

  return { name: 'service-lb-controller', reconcile, setup, workers: 1 };
}

function isOurs({ metadata }: corev1.Service): boolean {
  return metadata.finalizers?.includes(finalizer) === true;
}

function statusIps({ status }: corev1.Service): string[] {
  return (status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
}

/** Nodes with an endpoint that is ready, or ends and still serves. */
function nodesServing(slices: readonly discoveryv1.EndpointSlice[]): Set<string> {
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  const usable = endpoints.filter(
    ({ conditions }) => conditions?.ready !== false || (conditions.serving !== false && conditions.terminating === true),
  );
  return new Set(usable.flatMap(({ nodeName }) => nodeName ?? []));
}

function serviceKeysOf({ metadata }: discoveryv1.EndpointSlice): string[] {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  return service ? [`${metadata.namespace}/${service}`] : [];
}

function addressesText({ status }: corev1.Node): string {
  return (status?.addresses ?? []).map(({ type, address }) => `${type} ${address}`).join();
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
