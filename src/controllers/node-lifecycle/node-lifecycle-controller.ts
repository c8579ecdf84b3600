/**
 * Finds out which nodes are gone, and says so: Unknown conditions, taints that keep pods away and then drive them off, pods that are
 * no longer ready. Deleting the pods is the taint eviction controller's.
 * @source pkg/controller/nodelifecycle, v1.35
 */
import { coordinationv1Resources, type corev1, corev1Resources, isApiError, isPodReady, setCondition } from '../../api/index.ts';
import { type Ctx, formatTime } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { recordNodeEvent, recordNodeStatus } from './node-events.ts';
import { type NodeHealth, observeNode } from './node-health.ts';
import { hasTaint, notReadyTaint, unreachableTaint, withConditionTaints, withEvictionTaint } from './node-taints.ts';
import { zoneMetrics } from './zone-metrics.ts';
import {
  defaultEvictionRates,
  type Disruption,
  type EvictionRates,
  evictionRate,
  nextDisruption,
  TokenBucket,
  zoneOf,
  zoneState,
} from './zones.ts';

type Node = corev1.Node;
type Pod = corev1.Pod;
type EvictionTaint = typeof notReadyTaint | typeof unreachableTaint;

export interface NodeLifecycleOptions {
  /** Between two looks at all nodes; default 5 s. */
  readonly monitorPeriodMs?: number;
  /** Silence after which a node's state is unknown; default 50 s. */
  readonly monitorGraceMs?: number;
  /** The same for a node that never posted its status; default 60 s. */
  readonly startupGraceMs?: number;
  readonly evictionRates?: Partial<EvictionRates>;
}

/** Keys: the look at all nodes, the nodes that wait for an evicting taint, one node's labels and taints, one pod. */
const monitorKey = 'monitor';
const evictionKey = 'evictions';
const evictionPeriodMs = 100;
const byNode = 'nodeName';
const leaseNamespace = 'kube-node-lease';
const excludedLabel = 'node.kubernetes.io/exclude-disruption';
/** Older names of labels, kept equal to the present ones. */
const labelTwins = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const;

export function createNodeLifecycleController(context: ControllerContext, options: NodeLifecycleOptions = {}): Controller {
  const { client, informers, recorder, clock } = context;
  const { monitorPeriodMs = 5_000, monitorGraceMs = 50_000, startupGraceMs = 60_000 } = options;
  const rates = { ...defaultEvictionRates, ...options.evictionRates };
  const nodes = informers.informer(corev1Resources.nodes);
  const pods = informers.informer(corev1Resources.pods);
  const leases = informers.informer(coordinationv1Resources.leases, { namespace: leaseNamespace });
  const metrics = zoneMetrics(context.registry);
  const now = (): string => formatTime(clock.now());
  const health = new Map<string, NodeHealth>();
  const known = new Map<string, Node>();
  /** Nodes whose pods could not all be marked. */
  const retryPods = new Set<string>();
  /** Nodes that wait for an evicting taint, by zone, in order. */
  const waiting = new Map<string, Set<string>>();
  const buckets = new Map<string, TokenBucket>();
  let disruption: Pick<Disruption, 'states' | 'stopped'> = { states: new Map(), stopped: false };
  let wake: (key: string, delayMs?: number) => void = () => {};

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    wake = enqueue;
    pods.addIndex(byNode, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
    nodes.addHandler({
      added: (node) => enqueue(`node/${node.metadata.name}`),
      updated: (_, node) => enqueue(`node/${node.metadata.name}`),
    });
    const assigned = (pod: Pod, old?: Pod): void => {
      if (pod.spec.nodeName && pod.spec.nodeName !== old?.spec.nodeName) enqueue(`pod/${keyOf(pod)}`);
    };
    pods.addHandler({ added: (pod) => assigned(pod), updated: (old, pod) => assigned(pod, old) });
    enqueue(monitorKey);
  };

  const reconcile = async (key: string, ctx: Ctx): Promise<Outcome> => {
    const { signal } = ctx;
    if (key === monitorKey) {
      await monitor(ctx);
      return { type: 'retryAfter', delayMs: monitorPeriodMs };
    }
    if (key === evictionKey) return taintWaiting(signal);
    if (key.startsWith('node/')) await reconcileNode(key.slice('node/'.length), signal);
    else await reconcilePod(key.slice('pod/'.length), signal);
    return done;
  };

  const monitor = async ({ signal, log }: Ctx): Promise<void> => {
    const startMs = clock.monotonic();
    const all = nodes.list();
    greet(all);
    const statuses = new Map<string, (string | undefined)[]>();
    for (const node of all) {
      // One node that cannot be written must not keep the others from being looked at; it comes again in the next round.
      const nodeStartMs = clock.monotonic();
      const current = await lookAt(node, signal).catch((err: unknown) => {
        signal.throwIfAborted();
        log.warn('the health of a node could not be written', { node: node.metadata.name, err });
        return readyOf(node);
      });
      metrics.lookedAtOne(clock.monotonic() - nodeStartMs);
      if (node.metadata.labels?.[excludedLabel] !== undefined) continue;
      const zone = statuses.get(zoneOf(node));
      if (zone) zone.push(current);
      else statuses.set(zoneOf(node), [current]);
    }
    await handleDisruption(all, statuses, signal);
    metrics.lookedAtAll(clock.monotonic() - startMs);
    if ([...waiting.values()].some(({ size }) => size > 0)) wake(evictionKey);
  };

  const greet = (all: readonly Node[]): void => {
    const gone = new Map(known);
    for (const node of all) {
      const { name } = node.metadata;
      gone.delete(name);
      if (!known.has(name)) recordNodeEvent(recorder, node, { reason: 'RegisteredNode', message: `Registered Node ${name} in Controller` });
      known.set(name, node);
    }
    for (const [name, node] of gone) {
      recordNodeEvent(recorder, node, { reason: 'RemovingNode', message: `Removing Node ${name} from Controller` });
      known.delete(name);
      health.delete(name);
      retryPods.delete(name);
      for (const names of waiting.values()) names.delete(name);
    }
  };

  /** Returns the node's Ready status after the look. */
  const lookAt = async (node: Node, signal: AbortSignal): Promise<string | undefined> => {
    const { name } = node.metadata;
    const lease = leases.get({ namespace: leaseNamespace, name });
    const input = { lease, last: health.get(name), nowMs: clock.now(), graceMs: monitorGraceMs, startupGraceMs };
    const found = observeNode(node, input);
    if (found.conditions) {
      try {
        await client.updateStatus(corev1Resources.nodes, { ...node, status: { ...node.status, conditions: found.conditions } }, { signal });
      } catch (error) {
        // The node has just been heard of, or is gone: the next look decides.
        if (isApiError(error, 'Conflict') || isApiError(error, 'NotFound')) return found.observed;
        throw error;
      }
    }
    health.set(name, found.health);
    // It has not spoken yet, and still has time to.
    if (found.current === undefined) return undefined;
    await wantEvictionTaint(node, found.observed, signal);
    const wentSilent = found.current !== 'True' && found.observed === 'True';
    if (wentSilent) recordNodeStatus(recorder, node, 'NodeNotReady');
    if (wentSilent || (retryPods.has(name) && found.observed !== 'True')) await markPods(name, signal);
    return found.current;
  };

  const markPods = async (name: string, signal: AbortSignal): Promise<void> => {
    retryPods.add(name);
    let failure: unknown;
    for (const pod of pods.byIndex(byNode, name)) await markNotReady(pod, signal).catch((error: unknown) => (failure = error));
    if (failure) throw failure as Error;
    retryPods.delete(name);
  };

  const wantEvictionTaint = async (node: Node, ready: string, signal: AbortSignal): Promise<void> => {
    if (ready === 'True') {
      waiting.get(zoneOf(node))?.delete(node.metadata.name);
      await writeTaints(node, withEvictionTaint(node, undefined, now), signal);
      return;
    }
    const wanted = ready === 'False' ? notReadyTaint : unreachableTaint;
    if (hasTaint(node, wanted)) return;
    // One of the two is there already: changing it costs nobody anything.
    if (hasTaint(node, notReadyTaint) || hasTaint(node, unreachableTaint)) await swap(node, wanted, signal);
    else waiting.set(zoneOf(node), (waiting.get(zoneOf(node)) ?? new Set()).add(node.metadata.name));
  };

  const swap = (node: Node, taint: EvictionTaint, signal: AbortSignal): Promise<boolean> =>
    writeTaints(node, withEvictionTaint(node, taint, now), signal);

  /** Gives evicting taints to waiting nodes, as many as each zone may lose. */
  const taintWaiting = async (signal: AbortSignal): Promise<Outcome> => {
    for (const [zone, names] of waiting) {
      for (const name of names) {
        const node = nodes.get({ name });
        const ready = node && readyOf(node);
        if (!node || ready === 'True' || disruption.stopped) {
          names.delete(name);
          continue;
        }
        if (!bucketOf(zone).take(clock.monotonic())) break;
        if (await swap(node, ready === 'False' ? notReadyTaint : unreachableTaint, signal)) metrics.evicted(zone);
        names.delete(name);
      }
    }
    return [...waiting.values()].some(({ size }) => size > 0) ? { type: 'retryAfter', delayMs: evictionPeriodMs } : done;
  };

  const bucketOf = (zone: string): TokenBucket => {
    const bucket = buckets.get(zone) ?? new TokenBucket(rates.normal, clock.monotonic());
    buckets.set(zone, bucket);
    return bucket;
  };

  const handleDisruption = async (
    all: readonly Node[],
    statuses: ReadonlyMap<string, readonly (string | undefined)[]>,
    signal: AbortSignal,
  ): Promise<void> => {
    metrics.observe(statuses);
    const zones = new Map([...statuses].map(([zone, ready]) => [zone, zoneState(ready, rates)]));
    const next = nextDisruption(disruption, zones);
    if (next.stopped && !disruption.stopped) {
      for (const node of all) await writeTaints(node, withEvictionTaint(node, undefined, now), signal);
      waiting.clear();
    }
    if (next.recovered) for (const [name, seen] of health) health.set(name, { ...seen, probeMs: clock.now() });
    for (const [zone, state] of zones) {
      bucketOf(zone).setRate(next.stopped ? 0 : evictionRate(state, statuses.get(zone)?.length ?? 0, rates), clock.monotonic());
    }
    disruption = next;
  };

  const reconcileNode = async (name: string, signal: AbortSignal): Promise<void> => {
    const node = nodes.get({ name });
    if (!node) return;
    await writeTaints(node, withConditionTaints(node, formatTime(clock.now())), signal);
    const { labels = {} } = node.metadata;
    const stale = labelTwins.filter(([present, older]) => labels[present] !== undefined && labels[older] !== labels[present]);
    if (stale.length === 0) return;
    const body = { metadata: { labels: Object.fromEntries(stale.map(([present, older]) => [older, labels[present]])) } };
    await client.patch(corev1Resources.nodes, { name }, { type: 'application/strategic-merge-patch+json', body }, { signal });
  };

  /** A pod that has just come to a silent node is not ready either. */
  const reconcilePod = async (key: string, signal: AbortSignal): Promise<void> => {
    const pod = pods.get(splitKey(key));
    const ready = health.get(pod?.spec.nodeName ?? '')?.ready;
    if (pod && ready && ready.status !== 'True' && nodes.get({ name: pod.spec.nodeName ?? '' })) await markNotReady(pod, signal);
  };

  const markNotReady = async (pod: Pod, signal: AbortSignal): Promise<void> => {
    if (!isPodReady(pod)) return;
    const old = (pod.status.conditions ?? []).find(({ type }) => type === 'Ready')!;
    const conditions = setCondition<corev1.PodCondition>(pod.status.conditions, {
      ...old,
      status: 'False',
      lastTransitionTime: formatTime(clock.now()),
    });
    try {
      await client.updateStatus(corev1Resources.pods, { ...pod, status: { ...pod.status, conditions } }, { signal });
      recorder.event(pod, { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  /** Undefined: nothing to write. A node that changed meanwhile refuses, and is looked at again. Returns whether it was written. */
  const writeTaints = async (node: Node, taints: readonly corev1.Taint[] | undefined, signal: AbortSignal): Promise<boolean> => {
    if (!taints) return false;
    const { name, uid, resourceVersion } = node.metadata;
    const body = { metadata: { uid, resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
    try {
      await client.patch(corev1Resources.nodes, { name }, { type: 'application/merge-patch+json', body }, { signal });
      return true;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return false;
      if (!isApiError(error, 'Conflict')) throw error;
      wake(`node/${name}`, evictionPeriodMs);
      return false;
    }
  };

  return { name: 'node-lifecycle-controller', reconcile, setup, workers: 8 };
}

function readyOf({ status }: Node): string | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready')?.status;
}
