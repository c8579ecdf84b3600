/**
 * NetworkPolicy on one node: watches policies, and, once there is one, pods and namespaces; keeps the node's policy table true to them.
 * Invariants: without a policy in the cluster no pod is watched; the kubelet starts no container of a pod before the table knows its address;
 * the table stays in force while the agent is away.
 */
import { type corev1, corev1Resources, networkingv1Resources, SelectorError, type networkingv1 } from '../../api/index.ts';
import {
  backoffMs,
  type Clock,
  Counter,
  type Ctx,
  Gauge,
  Histogram,
  isAbort,
  ProcessError,
  type Registry,
  run,
  type TaskGroup,
} from '../../base/index.ts';
import { type EventRecorder, type InformerFactory, keyOf, type RecordedEvent, untilAborted } from '../../client/index.ts';
import { type Kernel, PolicyApplier } from './apply-policies.ts';
import { type CompiledPolicy, compilePolicy } from './compiled-policy.ts';
import { type NodeService, PolicyPlanner } from './policy-planner.ts';
import { type PolicyPod, policyPodOf, slimPod } from './policy-pod.ts';

export interface NetworkPoliciesConfig {
  readonly nodeName: string;
  /** Name of the nftables table; one a cluster. */
  readonly table: string;
  readonly nodeServices?: readonly NodeService[];
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly group: TaskGroup;
  readonly registry: Registry;
  /** Default: `nft`. */
  readonly kernel?: Kernel;
}

export interface NetworkPolicies {
  /** Resolves when the rules of the pod at these addresses are in force: its containers may start. */
  guard(pod: corev1.Pod, ips: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Changes that come together are applied together. */
const gatherMs = 5;
const driftCheckMs = 10_000;
const refusedRetryMs = 60_000;
/** A pod that waits longer for its rules is told about. */
const tellAfterMs = 10_000;
const retryPolicy = { initialMs: 200, maxMs: 30_000 };

/** Starts it; runs until the group closes. */
export function startNetworkPolicies(config: NetworkPoliciesConfig): NetworkPolicies {
  const node = new PolicyNode(config);
  config.group.spawn('network policies', (ctx) => node.run(ctx));
  return { guard: (pod, ips, signal) => node.guard(pod, ips, signal) };
}

class PolicyNode {
  readonly #config: NetworkPoliciesConfig;
  readonly #planner: PolicyPlanner;
  readonly #applier: PolicyApplier;
  readonly #policies;
  readonly #metrics;
  /** Addresses that the engine gave to pods of this node. */
  readonly #assigned = new Map<string, readonly string[]>();
  readonly #local = new Map<string, PolicyPod>();
  /** Wakes whoever waits for the next pass. */
  #passed = Promise.withResolvers<void>();
  #wake: (() => void) | undefined;
  #ready = false;
  #retriedMs: number;

  constructor(config: NetworkPoliciesConfig) {
    this.#config = config;
    this.#retriedMs = config.clock.monotonic();
    const { nodeName, table, nodeServices = [], informers, registry } = config;
    this.#planner = new PolicyPlanner({ nodeName, table, nodeServices });
    this.#applier = new PolicyApplier({
      kernel: config.kernel ?? nft,
      planner: this.#planner,
      trial: (policies) => this.#trial(policies),
      onRefused: ({ key }) => this.#report(key, 'nftables refuses its rules; what was in force stays, or nothing is allowed'),
      onAccepted: ({ key }) => this.#accepted(key),
    });
    this.#policies = informers.informer(networkingv1Resources.networkpolicies);
    this.#metrics = policyMetrics(registry, () => this.#policies.list().length);
  }

  async guard(pod: corev1.Pod, ips: readonly string[], signal: AbortSignal): Promise<void> {
    if (pod.spec.hostNetwork) return;
    const timer = this.#config.clock.setTimer(tellAfterMs, () => this.#tellOfWait(pod));
    try {
      await this.#guarded(pod, ips, signal);
    } finally {
      timer.cancel();
    }
  }

  async #guarded(pod: corev1.Pod, ips: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#policies.whenSynced(signal);
    const { uid } = pod.metadata;
    const known = this.#assigned.get(uid);
    if (known?.join() === ips.join() && this.#local.has(uid) && !this.#applier.isDue) return;
    this.#assigned.set(uid, ips);
    const seen = policyPodOf(pod, ips);
    this.#local.set(uid, seen);
    this.#planner.setPod(seen, { takes: true });
    while (this.#policies.list().length > 0 && (!this.#ready || this.#applier.isDue)) {
      this.#wake?.();
      await untilAborted(this.#passed.promise, signal);
    }
  }

  async run(ctx: Ctx): Promise<void> {
    const { informers, clock } = this.#config;
    const first = Promise.withResolvers<void>();
    const set = (policy: networkingv1.NetworkPolicy): void => {
      first.resolve();
      this.#setPolicy(policy);
    };
    this.#policies.addHandler({
      added: set,
      updated: (_old, policy) => set(policy),
      deleted: (policy) => {
        this.#planner.deletePolicy(keyOf(policy));
        this.#applier.withdraw(keyOf(policy), { gone: true });
        this.#wake?.();
      },
    });
    informers.start();
    await this.#policies.whenSynced(ctx.signal);
    // A table that an agent before this one left stays until the first policy is seen, or goes with the last that is no more.
    if (this.#policies.list().length === 0) await removePolicyTable(this.#config.table, ctx.signal);
    await untilAborted(first.promise, ctx.signal);
    this.#watchPods(ctx);
    await informers.whenSynced(ctx.signal);
    this.#ready = true;
    for (let failures = 0; ;) failures = (await this.#pass(ctx)) ? 0 : await this.#afterFailure(failures, clock, ctx);
  }

  /** One transaction, then the wait for a reason for the next. @returns false when it failed */
  async #pass(ctx: Ctx): Promise<boolean> {
    const { clock } = this.#config;
    try {
      if (this.#applier.isDue) {
        const stop = this.#metrics.seconds.startTimer();
        await this.#applier.apply(ctx);
        stop();
      }
    } catch (err) {
      if (isAbort(err, ctx.signal) || !(err instanceof ProcessError)) throw err;
      ctx.log.error('cannot apply the network policies: the rules before stay', { err });
      this.#metrics.failures.inc();
      return false;
    }
    this.#passed.resolve();
    this.#passed = Promise.withResolvers();
    if (this.#applier.isDue) return true;
    const woken = Promise.withResolvers<boolean>();
    this.#wake = () => woken.resolve(true);
    const timer = clock.setTimer(driftCheckMs, () => woken.resolve(false));
    const changed = await untilAborted(woken.promise, ctx.signal).finally(() => timer.cancel());
    if (changed) await clock.sleep(gatherMs, ctx.signal);
    else await this.#lookAround(ctx);
    return true;
  }

  /** What is done in quiet hours: drift is mended, what was refused is tried again. */
  async #lookAround(ctx: Ctx): Promise<void> {
    const { clock, table } = this.#config;
    if (!(await tableStands(table, ctx.signal))) {
      ctx.log.warn('the table of network policies was deleted by somebody: writing it again', { table });
      this.#applier.distrust();
    }
    if (clock.monotonic() - this.#retriedMs < refusedRetryMs) return;
    this.#retriedMs = clock.monotonic();
    this.#applier.retryRefused();
  }

  async #afterFailure(failures: number, clock: Clock, ctx: Ctx): Promise<number> {
    this.#applier.distrust();
    await clock.sleep(backoffMs(retryPolicy, failures), ctx.signal);
    return failures + 1;
  }

  #setPolicy(policy: networkingv1.NetworkPolicy): void {
    const key = keyOf(policy);
    this.#applier.withdraw(key);
    try {
      const compiled = compilePolicy(policy);
      this.#planner.setPolicy(compiled);
      if (compiled.faults.length > 0) this.#report(key, `${compiled.faults.join('; ')}: that allows nothing`);
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      this.#planner.deletePolicy(key);
      this.#report(key, `${error.message}: it selects no pods`);
    }
    this.#wake?.();
  }

  #watchPods(ctx: Ctx): void {
    const { informers } = this.#config;
    const pods = informers.informer(corev1Resources.pods, { fieldSelector: 'spec.hostNetwork=false', slim: slimPod });
    const namespaces = informers.informer(corev1Resources.namespaces);
    const setPod = (pod: corev1.Pod): void => {
      const seen = policyPodOf(pod, this.#assigned.get(pod.metadata.uid));
      if (seen.nodeName === this.#config.nodeName) this.#local.set(seen.uid, seen);
      this.#planner.setPod(seen);
      if (this.#applier.isDue) this.#wake?.();
    };
    pods.addHandler({
      added: setPod,
      updated: (_old, pod) => setPod(pod),
      deleted: ({ metadata: { uid } }) => {
        this.#assigned.delete(uid);
        this.#local.delete(uid);
        this.#planner.deletePod(uid);
        this.#wake?.();
      },
    });
    const setNamespace = ({ metadata: { name, labels } }: corev1.Namespace): void => {
      this.#planner.setNamespace(name, labels ?? {});
      this.#wake?.();
    };
    namespaces.addHandler({
      added: setNamespace,
      updated: (_old, namespace) => setNamespace(namespace),
      deleted: ({ metadata }) => {
        this.#planner.setNamespace(metadata.name, undefined);
        this.#wake?.();
      },
    });
    informers.start();
    ctx.log.info('network policies are enforced', { table: this.#config.table });
  }

  #trial(policies: readonly CompiledPolicy[]): string {
    const { nodeName, table, nodeServices = [] } = this.#config;
    const planner = new PolicyPlanner({ nodeName, table, nodeServices });
    for (const pod of this.#local.values()) planner.setPod(pod);
    for (const policy of policies) planner.setPolicy(policy);
    return planner.ledger.takeWhole();
  }

  #tellOfWait(pod: corev1.Pod): void {
    const missing = this.#policies.synced ? 'its rules are not in force' : 'they cannot be read from the API server';
    this.#config.recorder.event(pod, {
      type: 'Warning',
      reason: 'NetworkNotReady',
      message: `network is not ready: no container is started before the network policies hold: ${missing}`,
    });
  }

  #report(key: string, message: string): void {
    this.#metrics.refused.inc();
    this.#tell(key, { type: 'Warning', reason: 'PolicyNotEnforced', message: `Cannot enforce NetworkPolicy "${key}": ${message}` });
  }

  #accepted(key: string): void {
    this.#tell(key, { type: 'Normal', reason: 'PolicyEnforced', message: `NetworkPolicy "${key}" is enforced` });
  }

  #tell(key: string, event: RecordedEvent): void {
    const [namespace = '', name = ''] = key.split('/');
    const policy = this.#policies.get({ namespace, name });
    if (policy) this.#config.recorder.event(policy, event);
  }
}

const nft: Kernel = {
  apply: async (script, signal) => void (await run(['nft', '-f', '-'], { signal, input: script })),
  check: async (script, signal) => {
    try {
      await run(['nft', '-c', '-f', '-'], { signal, input: script });
      return true;
    } catch (error) {
      if (error instanceof ProcessError) return false;
      throw error;
    }
  },
};

/** Lists tables, not what is in them: that costs the same however large they are. */
async function tableStands(table: string, signal: AbortSignal): Promise<boolean> {
  const { stdout } = await run(['nft', 'list', 'tables', 'inet'], { signal });
  return stdout.split('\n').includes(`table inet ${table}`);
}

/** Removes the table; used when a node leaves. */
export async function removePolicyTable(table: string, signal: AbortSignal): Promise<void> {
  await run(['nft', '-f', '-'], { signal, input: `add table inet ${table}\ndelete table inet ${table}\n` });
}

function policyMetrics(registry: Registry, count: () => number): { seconds: Histogram; failures: Counter; refused: Counter } {
  const registers = [registry];
  const policies = new Gauge({
    name: 'knarr_network_policies',
    help: 'NetworkPolicies of the cluster.',
    registers,
    collect() {
      policies.set(count());
    },
  });
  return {
    seconds: new Histogram({ name: 'knarr_network_policy_sync_duration_seconds', help: 'How long a transaction took.', registers }),
    failures: new Counter({ name: 'knarr_network_policy_sync_failures_total', help: 'Transactions that failed.', registers }),
    refused: new Counter({ name: 'knarr_network_policies_refused_total', help: 'Policies that could not be enforced.', registers }),
  };
}
