/**
 * Nodes that do what kubelets do to the API, and nothing else: pods start, end by themselves where they are to, stop when they are deleted.
 * They hear of everything at once. A node can be cut off (its pods run on, nobody hears of them) and can lose its power.
 */
import {
  coordinationv1Resources,
  type corev1,
  corev1Resources,
  getCondition,
  isApiError,
  isPodTerminal,
  type Unsaved,
} from '../../../src/api/index.ts';
import { type Clock, formatMicroTime, formatTime, type Random } from '../../../src/base/index.ts';
import type { Client } from '../../../src/client/index.ts';
import type { Step } from './history.ts';

export interface LightNodesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Whether they renew their leases. */
  readonly beat: boolean;
  /** How a pod that is to end by itself ends; undefined: it runs until it is deleted. */
  readonly endOf: (pod: corev1.Pod) => 'Succeeded' | 'Failed' | undefined;
  /** Told of what must never be: two pods of one name that run at once. */
  readonly onFault: (fault: string) => void;
}

interface LightNode {
  connected: boolean;
  /** It was cut off, and its conditions may say so. */
  mustReport: boolean;
}

/** What a node knows of one pod. */
interface LightPod {
  readonly node: string;
  state: 'waits' | 'starts' | 'up' | 'stopping' | 'over';
  /** Its containers run. */
  runs: boolean;
  /** As the API has it. */
  pod: corev1.Pod;
  /** Gone from the API. */
  forgotten: boolean;
  /** What could not be told while the node was cut off. */
  untold: object | undefined;
}

/** Between these, a container takes to stop. */
const stopMs = [100, 5_000] as const;
const leaseNamespace = 'kube-node-lease';
const beatMs = [10_000, 10_500] as const;
const killed = { exitCode: 137, reason: 'Error' };

export class LightNodes {
  readonly #options: LightNodesOptions;
  readonly #nodes = new Map<string, LightNode>();
  readonly #pods = new Map<string, LightPod>();

  constructor(options: LightNodesOptions) {
    this.#options = options;
  }

  async add(name: string, size: { readonly cpu: string; readonly memory: string; readonly pods: string }): Promise<void> {
    const { client, signal, clock } = this.#options;
    this.#nodes.set(name, { connected: true, mustReport: false });
    const now = formatTime(clock.now());
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now },
    ] as const;
    const node: Unsaved<corev1.Node> = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      spec: {},
      status: { capacity: size, allocatable: size, conditions },
    };
    await client.create(corev1Resources.nodes, node, { signal });
    const body = { spec: { taints: null } };
    await client.patch(corev1Resources.nodes, { name }, { type: 'application/merge-patch+json', body }, { signal });
    if (this.#options.beat) await this.#makeLease(name);
  }

  async #makeLease(name: string): Promise<void> {
    const { client, signal, clock } = this.#options;
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: formatMicroTime(clock.now()) };
    await client.create(
      coordinationv1Resources.leases,
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: leaseNamespace }, spec },
      { signal },
    );
    this.#later(beatMs, () => this.#beat(name));
  }

  #beat(name: string): void {
    const { client, signal, clock } = this.#options;
    const node = this.#nodes.get(name)!;
    if (node.connected) {
      const patch = { type: 'application/merge-patch+json', body: { spec: { renewTime: formatMicroTime(clock.now()) } } } as const;
      void client.patch(coordinationv1Resources.leases, { namespace: leaseNamespace, name }, patch, { signal }).catch(expectGone);
      if (node.mustReport) void this.#report(name);
    }
    this.#later(beatMs, () => this.#beat(name));
  }

  /** As a kubelet does that was not heard of for long: it says again that it is ready. */
  async #report(name: string): Promise<void> {
    const { client, signal, clock } = this.#options;
    this.#nodes.get(name)!.mustReport = false;
    const now = formatTime(clock.now());
    const message = 'kubelet is posting ready status';
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message, lastHeartbeatTime: now, lastTransitionTime: now };
    const patch = {
      type: 'application/strategic-merge-patch+json',
      body: { status: { conditions: [ready] } },
      subresource: 'status',
    } as const;
    await client.patch(corev1Resources.nodes, { name }, patch, { signal }).catch(expectGone);
  }

  /** Its pods run on; it hears and says nothing. */
  cutOff(name: string): void {
    this.#nodes.get(name)!.connected = false;
  }

  /** All that runs on it ends, and nobody is told. */
  powerOff(name: string): void {
    this.cutOff(name);
    for (const known of this.#podsOn(name)) known.runs = false;
  }

  /** It hears of all that happened meanwhile, and tells what it could not; what lost its power starts again. */
  connect(name: string): void {
    const node = this.#nodes.get(name)!;
    node.mustReport ||= !node.connected;
    node.connected = true;
    for (const known of this.#podsOn(name)) {
      if (known.state !== 'over' && known.state !== 'waits' && !known.runs) known.state = 'waits';
      if (known.untold && !known.forgotten) void this.#patch(known, known.untold);
      known.untold = undefined;
      this.#act(known);
    }
  }

  isCutOff(name: string | undefined): boolean {
    return name !== undefined && this.#nodes.get(name)?.connected === false;
  }

  readonly heard = ({ kind, old, now }: Step): void => {
    if (kind !== 'Pod') return;
    if (old && old.metadata.uid !== now?.metadata.uid) this.#gone(old.metadata.uid);
    const pod = now as corev1.Pod | undefined;
    if (!pod?.spec.nodeName) return;
    const fresh: LightPod = { node: pod.spec.nodeName, state: 'waits', runs: false, pod, forgotten: false, untold: undefined };
    const known = this.#pods.get(pod.metadata.uid) ?? fresh;
    known.pod = pod;
    this.#pods.set(pod.metadata.uid, known);
    this.#act(known);
  };

  #podsOn(name: string): LightPod[] {
    return [...this.#pods.values()].filter(({ node }) => node === name);
  }

  #gone(uid: string): void {
    const known = this.#pods.get(uid);
    if (!known) return;
    known.forgotten = true;
    this.#act(known);
  }

  #isConnected({ node }: LightPod): boolean {
    return this.#nodes.get(node)?.connected ?? false;
  }

  /** Looks at what is wanted and sets off what is missing. */
  #act(known: LightPod): void {
    if (!this.#isConnected(known)) return;
    const { pod, state, forgotten } = known;
    if (forgotten) this.#forget(known);
    else if (pod.metadata.deletionTimestamp !== undefined && state !== 'stopping') this.#stop(known);
    else if (state === 'waits' && !isPodTerminal(pod)) this.#start(known);
    else if (state === 'up' && isPodTerminal(pod)) this.#over(known);
    else if (state === 'up' && getCondition(pod.status.conditions, 'Ready')?.status === 'False') this.#contradict(known);
  }

  /** As kubelets do when another said of their pod what is not so. */
  #contradict(known: LightPod): void {
    this.#later([100, 1_000], () => {
      if (known.state === 'up' && !known.forgotten) this.#tell(known, runningStatus(known.pod, formatTime(this.#options.clock.now())));
    });
  }

  /** Nobody wants it any more, and nobody is to be told; to stop it takes its time all the same. */
  #forget(known: LightPod): void {
    const { uid } = known.pod.metadata;
    if (known.state === 'stopping') return;
    if (!known.runs) {
      this.#over(known);
      this.#pods.delete(uid);
      return;
    }
    known.state = 'stopping';
    this.#later(stopMs, () => {
      known.runs = false;
      if (this.#isConnected(known)) this.#pods.delete(uid);
      else known.state = 'up';
    });
  }

  #over(known: LightPod): void {
    known.state = 'over';
    known.runs = false;
  }

  #start(known: LightPod): void {
    known.state = 'starts';
    this.#later([50, 2_000], () => {
      if (known.state !== 'starts') return;
      const { namespace, name, uid } = known.pod.metadata;
      for (const [other, { pod, runs }] of this.#pods) {
        if (other === uid || !runs || pod.metadata.name !== name || pod.metadata.namespace !== namespace) continue;
        this.#options.onFault(`two pods ${name} run at once, on ${pod.spec.nodeName} and ${known.node}`);
      }
      known.state = 'up';
      known.runs = true;
      this.#tell(known, runningStatus(known.pod, formatTime(this.#options.clock.now())));
      const end = this.#options.endOf(known.pod);
      if (end === undefined) return;
      this.#later([500, 8_000], () => {
        if (known.state !== 'up' || !known.runs) return;
        this.#over(known);
        this.#tell(known, endedStatus(known.pod, end));
      });
    });
  }

  #stop(known: LightPod): void {
    known.state = 'stopping';
    this.#later(known.runs ? stopMs : [10, 50], () => {
      known.runs = false;
      if (known.forgotten) this.#pods.delete(known.pod.metadata.uid);
      else if (this.#isConnected(known)) void this.#remove(known);
    });
  }

  /** As kubelets do: first its end is told, then it is taken away. */
  async #remove(known: LightPod): Promise<void> {
    const { client, signal } = this.#options;
    const { namespace, name, uid } = known.pod.metadata;
    if (!isPodTerminal(known.pod)) await this.#patch(known, endedStatus(known.pod, 'Failed'));
    const body = { gracePeriodSeconds: 0, preconditions: { uid } };
    await client.delete(corev1Resources.pods, { namespace, name }, { signal, body }).catch(expectGone);
  }

  #tell(known: LightPod, status: object): void {
    if (this.#isConnected(known)) void this.#patch(known, status);
    else known.untold = status;
  }

  async #patch({ pod }: LightPod, status: object): Promise<void> {
    const { client, signal } = this.#options;
    const { namespace, name, uid } = pod.metadata;
    const patch = { type: 'application/merge-patch+json', body: { metadata: { uid }, status }, subresource: 'status' } as const;
    await client.patch(corev1Resources.pods, { namespace, name }, patch, { signal }).catch(expectGone);
  }

  #later([leastMs, mostMs]: readonly [number, number], act: () => void): void {
    const { clock, random, signal } = this.#options;
    clock.setTimer(leastMs + random.next() * (mostMs - leastMs), () => {
      if (!signal.aborted) act();
    });
  }
}

function expectGone(error: unknown): void {
  if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
}

const containerOf = ({ spec }: corev1.Pod) => ({
  name: spec.containers[0]!.name,
  image: spec.containers[0]!.image ?? '',
  imageID: '',
  restartCount: 0,
});

function runningStatus(pod: corev1.Pod, now: string) {
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: now });
  return {
    phase: 'Running',
    startTime: now,
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(condition),
    containerStatuses: [{ ...containerOf(pod), ready: true, started: true, state: { running: { startedAt: now } } }],
  };
}

function endedStatus(pod: corev1.Pod, phase: 'Succeeded' | 'Failed') {
  const terminated = phase === 'Failed' ? killed : { exitCode: 0, reason: 'Completed' };
  return { phase, containerStatuses: [{ ...containerOf(pod), ready: false, started: false, state: { terminated } }] };
}
