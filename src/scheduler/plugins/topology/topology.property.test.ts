/**
 * On random clusters that change at random, spreading and pod affinity answer as an evaluator written straight from the API's documentation
 * does, which looks at every node and every pod.
 */
import { expect, test } from 'vitest';
import type { corev1, metav1 } from '../../../api/index.ts';
import { labelSelectorMatcher, matchesRequiredNodeAffinity } from '../../../api/index.ts';
import { type Random, seededRandom } from '../../../base/index.ts';
import { CycleState, type NodeInfo, type Plugin } from '../../framework/index.ts';
import { makeNode, makePod } from '../../testdata/objects.ts';
import { type TestHandle, testHandle } from '../../testdata/handle.ts';
import { defaultAffinityArgs } from '../inter-pod-affinity/args.ts';
import { interPodAffinity } from '../inter-pod-affinity/plugin.ts';
import { podTopologySpread } from '../pod-topology-spread/plugin.ts';

const keys = ['zone', 'rack', 'kubernetes.io/hostname'] as const;
const namespaces = ['a', 'b', 'c'] as const;

class World {
  readonly handle: TestHandle = testHandle();
  readonly random: Random;
  readonly plugins: readonly Plugin[];
  readonly nodes = new Map<string, corev1.Node>();
  readonly pods = new Map<string, corev1.Pod>();
  #named = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    for (const name of namespaces) {
      const metadata = { ...makeNode(name).metadata, labels: { team: name === 'c' ? 'red' : 'blue' } };
      this.handle.listers.namespaces.put({ apiVersion: 'v1', kind: 'Namespace', metadata, spec: {}, status: {} });
    }
    this.plugins = [
      podTopologySpread.create({ defaultConstraints: [], defaultingType: 'List' }, this.handle),
      interPodAffinity.create(defaultAffinityArgs({}), this.handle),
    ];
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.random.next() * of.length)]!;
  }

  chance(of: number): boolean {
    return this.random.next() < of;
  }

  labels(): Record<string, string> {
    return { app: this.pick(['x', 'y', 'z']), ...(this.chance(0.5) && { tier: this.pick(['web', 'db']) }) };
  }

  selector(): metav1.LabelSelector {
    if (this.chance(0.7)) return { matchLabels: { app: this.pick(['x', 'y', 'z']) } };
    if (this.chance(0.2)) return {};
    return { matchExpressions: [{ key: 'tier', operator: this.pick(['Exists', 'DoesNotExist']) }] };
  }

  node(name = `n${this.#named++}`): void {
    const labels: Record<string, string> = {};
    if (this.chance(0.9)) labels['zone'] = this.pick(['z1', 'z2', 'z3']);
    if (this.chance(0.7)) labels['rack'] = this.pick(['r1', 'r2', 'r3', 'r4']);
    if (this.chance(0.95)) labels['kubernetes.io/hostname'] = name;
    const made = makeNode(name, { spec: this.chance(0.2) ? { taints: [{ key: 'k', effect: 'NoSchedule' }] } : {} });
    const node = { ...made, metadata: { ...made.metadata, labels } };
    this.nodes.set(name, node);
    this.handle.cluster.setNode(node);
  }

  term(): corev1.PodAffinityTerm {
    return {
      labelSelector: this.selector(),
      topologyKey: this.pick(keys),
      ...(this.chance(0.2) && { namespaces: [this.pick(namespaces)] }),
      ...(this.chance(0.2) && { namespaceSelector: this.chance(0.5) ? {} : { matchLabels: { team: this.pick(['red', 'blue']) } } }),
    };
  }

  pod(): corev1.Pod {
    const terms = (chance: number): corev1.PodAffinityTerm[] =>
      this.chance(chance) ? [this.term(), ...(this.chance(0.3) ? [this.term()] : [])] : [];
    const weighted = (chance: number): corev1.WeightedPodAffinityTerm[] =>
      terms(chance).map((podAffinityTerm) => ({ podAffinityTerm, weight: 1 + Math.floor(this.random.next() * 5) }));
    const spread = (): corev1.TopologySpreadConstraint => ({
      maxSkew: 1 + Math.floor(this.random.next() * 2),
      topologyKey: this.pick(keys),
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: this.selector(),
      ...(this.chance(0.3) && { minDomains: 1 + Math.floor(this.random.next() * 4) }),
      ...(this.chance(0.3) && { nodeTaintsPolicy: 'Honor' }),
      ...(this.chance(0.3) && { nodeAffinityPolicy: 'Ignore' }),
    });
    const pod = makePod(
      `p${this.#named++}`,
      {},
      {
        ...(this.chance(0.4) && { topologySpreadConstraints: [spread(), ...(this.chance(0.3) ? [spread()] : [])] }),
        ...(this.chance(0.2) && { nodeSelector: { zone: 'z1' } }),
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: terms(0.2),
            preferredDuringSchedulingIgnoredDuringExecution: weighted(0.3),
          },
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: terms(0.2),
            preferredDuringSchedulingIgnoredDuringExecution: weighted(0.3),
          },
        },
      },
    );
    return { ...pod, metadata: { ...pod.metadata, namespace: this.pick(namespaces), labels: this.labels() } };
  }

  place(pod: corev1.Pod, nodeName: string): void {
    const placed = { ...pod, spec: { ...pod.spec, nodeName } };
    this.pods.set(pod.metadata.name, placed);
    this.handle.cluster.setPod(placed);
  }

  remove(name: string): void {
    this.handle.cluster.removePod(this.pods.get(name)!.metadata.uid);
    this.pods.delete(name);
  }

  /** One random change of the cluster. */
  change(): void {
    const at = this.random.next();
    if (at < 0.1) this.node();
    else if (at < 0.2) this.node(this.pick([...this.nodes.keys()]));
    else if (at < 0.25 && this.nodes.size > 3) this.removeNode(this.pick([...this.nodes.keys()]));
    else if (at < 0.45 && this.pods.size > 0) this.remove(this.pick([...this.pods.keys()]));
    else if (at < 0.5 && this.pods.size > 0) {
      const pod = this.pick([...this.pods.values()]);
      const metadata = {
        ...pod.metadata,
        ...(this.chance(0.5) ? { labels: this.labels() } : { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      };
      this.place({ ...pod, metadata }, pod.spec.nodeName!);
    } else this.place(this.pod(), this.pick([...this.nodes.keys()]));
  }

  removeNode(name: string): void {
    this.handle.cluster.removeNode(name);
    this.nodes.delete(name);
    for (const pod of this.pods.values()) if (pod.spec.nodeName === name) this.remove(pod.metadata.name);
  }

  /** What the plugins say of each node: the reason, or that it fits. */
  verdicts(pod: corev1.Pod, prepare?: (state: CycleState) => void): Record<string, string> {
    const info = this.handle.cluster.podInfo(pod);
    const state = new CycleState();
    const asked = this.plugins.filter((plugin) => {
      const answer = plugin.preFilter?.(state, info);
      return !(answer && 'code' in answer && answer.code === 'Skip');
    });
    prepare?.(state);
    const judge = (node: NodeInfo): string => {
      for (const plugin of asked) {
        const status = plugin.filter!(state, info, node);
        if (status) return status.reasons.join();
      }
      return 'fits';
    };
    return Object.fromEntries(this.handle.cluster.nodes.map((node) => [node.name, judge(node)]));
  }

  /** Affinity's raw scores; none when it skips. */
  likings(pod: corev1.Pod): Record<string, number> {
    const info = this.handle.cluster.podInfo(pod);
    const state = new CycleState();
    const plugin = this.plugins[1]!;
    const skips = plugin.preScore!(state, info, this.handle.cluster.nodes) !== undefined;
    return Object.fromEntries(this.handle.cluster.nodes.map((node) => [node.name, skips ? 0 : plugin.score!(state, info, node)]));
  }
}

/** The specification, looked up the slow way. */
class Naive {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  value(node: corev1.Node, key: string): string | undefined {
    return node.metadata.labels?.[key];
  }

  means(term: corev1.PodAffinityTerm, owner: corev1.Pod, other: corev1.Pod): boolean {
    const selected = term.namespaceSelector && labelSelectorMatcher(term.namespaceSelector);
    const named = term.namespaces ?? (term.namespaceSelector ? [] : [owner.metadata.namespace!]);
    const team = this.world.handle.listers.namespaces.get({ name: other.metadata.namespace! })?.metadata.labels;
    if (!named.includes(other.metadata.namespace!) && !selected?.matches(team)) return false;
    return labelSelectorMatcher(term.labelSelector).matches(other.metadata.labels);
  }

  /** Placed pods in the domain of the node. */
  company(node: corev1.Node, key: string): corev1.Pod[] {
    const value = this.value(node, key);
    if (value === undefined) return [];
    return [...this.world.pods.values()].filter((pod) => this.value(this.world.nodes.get(pod.spec.nodeName!)!, key) === value);
  }

  spreads(pod: corev1.Pod, node: corev1.Node): string | undefined {
    const constraints = pod.spec.topologySpreadConstraints ?? [];
    for (const { topologyKey, labelSelector, maxSkew, minDomains = 1, nodeAffinityPolicy, nodeTaintsPolicy } of constraints) {
      const value = this.value(node, topologyKey);
      if (value === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)";
      const selector = labelSelectorMatcher(labelSelector);
      const counts = new Map<string, number>();
      for (const other of this.world.nodes.values()) {
        if (!constraints.every((each) => this.value(other, each.topologyKey) !== undefined)) continue;
        if (nodeAffinityPolicy !== 'Ignore' && !matchesRequiredNodeAffinity(pod.spec, other)) continue;
        if (nodeTaintsPolicy === 'Honor' && other.spec.taints) continue;
        const matching = [...this.world.pods.values()].filter(
          ({ metadata, spec }) =>
            spec.nodeName === other.metadata.name &&
            metadata.namespace === pod.metadata.namespace &&
            metadata.deletionTimestamp === undefined &&
            selector.matches(metadata.labels),
        );
        const domain = this.value(other, topologyKey)!;
        counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
      }
      const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
      const skew = (counts.get(value) ?? 0) + (selector.matches(pod.metadata.labels) ? 1 : 0) - least;
      if (skew > maxSkew) return "node(s) didn't match pod topology spread constraints";
    }
    return undefined;
  }

  affinity(pod: corev1.Pod, node: corev1.Node): string | undefined {
    const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
    const required = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const all = (other: corev1.Pod): boolean => required.every((term) => this.means(term, pod, other));
    const lacks = "node(s) didn't match pod affinity rules";
    if (required.some(({ topologyKey }) => this.value(node, topologyKey) === undefined)) return lacks;
    if (!required.every(({ topologyKey }) => this.company(node, topologyKey).some(all))) {
      const anywhere = [...this.world.nodes.values()].some((other) =>
        required.some(({ topologyKey }) => this.company(other, topologyKey).some(all)),
      );
      if (anywhere || !all(pod)) return lacks;
    }
    const anti = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    if (anti.some((term) => this.company(node, term.topologyKey).some((other) => this.means(term, pod, other)))) {
      return "node(s) didn't match pod anti-affinity rules";
    }
    for (const other of this.world.pods.values()) {
      const theirs = other.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
      if (theirs.some((term) => this.means(term, other, pod) && this.company(node, term.topologyKey).includes(other))) {
        return "node(s) didn't satisfy existing pods anti-affinity rules";
      }
    }
    return undefined;
  }

  verdicts(pod: corev1.Pod): Record<string, string> {
    return Object.fromEntries(
      [...this.world.nodes.values()].map((node) => [node.metadata.name, this.spreads(pod, node) ?? this.affinity(pod, node) ?? 'fits']),
    );
  }

  likings(pod: corev1.Pod): Record<string, number> {
    const score = (node: corev1.Node): number => {
      let sum = 0;
      const count = (
        terms: readonly corev1.WeightedPodAffinityTerm[] | undefined,
        owner: corev1.Pod,
        other: corev1.Pod,
        sign: number,
      ): void => {
        for (const { weight, podAffinityTerm: term } of terms ?? []) {
          const placed = owner === pod ? other : owner;
          if (this.company(node, term.topologyKey).includes(placed) && this.means(term, owner, other)) sum += sign * weight;
        }
      };
      for (const other of this.world.pods.values()) {
        for (const [owner, target] of [
          [pod, other],
          [other, pod],
        ] as const) {
          count(owner.spec.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, owner, target, 1);
          count(owner.spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, owner, target, -1);
        }
        const hard = other.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
        count(
          hard.map((podAffinityTerm) => ({ weight: 1, podAffinityTerm })),
          other,
          pod,
          1,
        );
      }
      return sum;
    };
    return Object.fromEntries([...this.world.nodes.values()].map((node) => [node.metadata.name, score(node)]));
  }
}

test.each(Array.from({ length: 25 }, (_, seed) => seed))(
  'seed %i: filters and raw scores equal the specification after every few changes',
  (seed) => {
    const world = new World(seed);
    const naive = new Naive(world);
    for (let i = 0; i < 6; i++) world.node();
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 3; i++) world.change();
      const pod = world.pod();
      expect(world.verdicts(pod), `round ${round}`).toEqual(naive.verdicts(pod));
      expect(world.likings(pod), `round ${round}`).toEqual(naive.likings(pod));
    }
  },
);

test.each(Array.from({ length: 25 }, (_, seed) => seed))('seed %i: a pod taken off for trial counts as if it were not there', (seed) => {
  const world = new World(1000 + seed);
  const naive = new Naive(world);
  for (let i = 0; i < 5; i++) world.node();
  for (let i = 0; i < 30; i++) world.change();
  for (let round = 0; round < 20 && world.pods.size > 1; round++) {
    const pod = world.pod();
    const gone = world.pick([...world.pods.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined));
    if (!gone) break;
    const tried = world.verdicts(pod, (state) => {
      const node = world.handle.cluster.node(gone.spec.nodeName!)!;
      const info = world.handle.cluster.podInfo(pod);
      for (const plugin of world.plugins) plugin.removePod!(state, info, node.pod(gone.metadata.uid)!, node);
    });
    world.remove(gone.metadata.name);
    expect(tried).toEqual(naive.verdicts(pod));
  }
});
