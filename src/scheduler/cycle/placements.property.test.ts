/** Random clusters and pods through real decisions: a pod is placed exactly when a checker without any memory finds a node for it. */
import { expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { type Random, seededRandom } from '../../base/index.ts';
import { makeDecider } from '../testdata/decider.ts';
import { makeNode, makePod } from '../testdata/objects.ts';

const zoneKey = 'zone';
const hostKey = 'kubernetes.io/hostname';
const apps = ['a', 'b', 'c'] as const;

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;
const chance = (random: Random, share: number): boolean => random.next() < share;

function randomNode(random: Random, i: number): corev1.Node {
  const name = `n${i}`;
  const taints = chance(random, 0.2) ? [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' as const }] : [];
  const allocatable = { cpu: pick(random, ['1', '2', '3']), memory: '4Gi', pods: pick(random, ['4', '8', '20']) };
  const node = makeNode(name, { spec: { taints, ...(chance(random, 0.1) && { unschedulable: true }) }, status: { allocatable } });
  const labels = { [hostKey]: name, ...(chance(random, 0.9) && { [zoneKey]: pick(random, ['x', 'y', 'z']) }) };
  return { ...node, metadata: { ...node.metadata, labels } };
}

function randomTerm(random: Random): corev1.PodAffinityTerm {
  return { topologyKey: pick(random, [zoneKey, hostKey]), labelSelector: { matchLabels: { app: pick(random, apps) } } };
}

function randomPod(random: Random, i: number): corev1.Pod {
  const ports = chance(random, 0.2) ? [{ containerPort: 80, hostPort: pick(random, [80, 81]) }] : [];
  const resources = { requests: { cpu: pick(random, ['50m', '300m', '700m']), memory: '64Mi' } };
  const affinity = {
    ...(chance(random, 0.2) && { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [randomTerm(random)] } }),
    ...(chance(random, 0.25) && { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [randomTerm(random)] } }),
  };
  const spread = {
    maxSkew: pick(random, [1, 2]),
    topologyKey: pick(random, [zoneKey, hostKey]),
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: pick(random, apps) } },
  } as const;
  const pod = makePod(
    `p${i}`,
    {},
    {
      containers: [{ name: 'c', image: 'i', ports, resources }],
      affinity,
      priority: pick(random, [0, 10]),
      ...(chance(random, 0.3) && { tolerations: [{ key: 'gpu', operator: 'Exists' as const }] }),
      ...(chance(random, 0.3) && { topologySpreadConstraints: [spread] }),
    },
  );
  return { ...pod, metadata: { ...pod.metadata, labels: { app: pick(random, apps) } } };
}

/** Everything anew for each question: slow, and short enough to be believed. */
class Checker {
  readonly nodes: readonly corev1.Node[];
  readonly placed: { readonly pod: corev1.Pod; readonly node: corev1.Node }[] = [];

  constructor(nodes: readonly corev1.Node[]) {
    this.nodes = nodes;
  }

  /** Names of the nodes where the pod may go. */
  allowed(pod: corev1.Pod): string[] {
    const fits = (node: corev1.Node): boolean =>
      this.#hasRoom(pod, node) &&
      this.#isTolerated(pod, node) &&
      this.#hasPorts(pod, node) &&
      this.#keepsApart(pod, node) &&
      this.#keepsTogether(pod, node) &&
      this.#keepsSkew(pod, node);
    return this.nodes.filter(fits).map(({ metadata }) => metadata.name);
  }

  #on(node: corev1.Node): corev1.Pod[] {
    return this.placed.filter((each) => each.node === node).map(({ pod }) => pod);
  }

  #hasRoom(pod: corev1.Pod, node: corev1.Node): boolean {
    const all = [...this.#on(node), pod];
    const { cpu, pods } = node.status.allocatable as { readonly cpu: string; readonly pods: string };
    return all.length <= Number(pods) && all.reduce((sum, each) => sum + cpuOf(each), 0) <= Number(cpu) * 1000;
  }

  #isTolerated(pod: corev1.Pod, { spec }: corev1.Node): boolean {
    return !spec.unschedulable && ((spec.taints ?? []).length === 0 || (pod.spec.tolerations ?? []).length > 0);
  }

  #hasPorts(pod: corev1.Pod, node: corev1.Node): boolean {
    const taken = new Set(this.#on(node).flatMap(portsOf));
    return portsOf(pod).every((port) => !taken.has(port));
  }

  /** Both ways: what the pod wants, and what those that are there want. */
  #keepsApart(pod: corev1.Pod, node: corev1.Node): boolean {
    const apart = (of: corev1.Pod): readonly corev1.PodAffinityTerm[] =>
      of.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    return this.placed.every(
      (other) =>
        !apart(pod).some((term) => selects(term, other.pod) && together(term.topologyKey, node, other.node)) &&
        !apart(other.pod).some((term) => selects(term, pod) && together(term.topologyKey, node, other.node)),
    );
  }

  /** The first of a group that wants its own company goes anywhere with the label. */
  #keepsTogether(pod: corev1.Pod, node: corev1.Node): boolean {
    const terms = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    return terms.every((term) => {
      if (node.metadata.labels?.[term.topologyKey] === undefined) return false;
      const company = this.placed.filter(
        (other) => selects(term, other.pod) && other.node.metadata.labels?.[term.topologyKey] !== undefined,
      );
      if (company.length === 0) return selects(term, pod);
      return company.some((other) => together(term.topologyKey, node, other.node));
    });
  }

  #keepsSkew(pod: corev1.Pod, node: corev1.Node): boolean {
    return (pod.spec.topologySpreadConstraints ?? []).every(({ topologyKey, maxSkew, labelSelector }) => {
      const domainOf = ({ metadata }: corev1.Node): string | undefined => metadata.labels?.[topologyKey];
      const counts = new Map<string, number>(
        this.nodes.flatMap((each) => (domainOf(each) === undefined ? [] : [[domainOf(each)!, 0] as const])),
      );
      for (const other of this.placed) {
        const domain = domainOf(other.node);
        if (domain !== undefined && selects({ labelSelector }, other.pod)) counts.set(domain, counts.get(domain)! + 1);
      }
      const own = domainOf(node);
      if (own === undefined) return false;
      const self = selects({ labelSelector }, pod) ? 1 : 0;
      return counts.get(own)! + self - Math.min(...counts.values()) <= maxSkew;
    });
  }
}

function cpuOf({ spec }: corev1.Pod): number {
  return spec.containers.reduce((sum, { resources }) => sum + Number.parseInt(resources?.requests?.['cpu'] ?? '0', 10), 0);
}

function portsOf({ spec }: corev1.Pod): number[] {
  return spec.containers.flatMap(({ ports = [] }) => ports.flatMap(({ hostPort }) => hostPort ?? []));
}

function selects(
  { labelSelector }: { readonly labelSelector?: corev1.PodAffinityTerm['labelSelector'] | undefined },
  { metadata }: corev1.Pod,
): boolean {
  return Object.entries(labelSelector?.matchLabels ?? {}).every(([key, value]) => metadata.labels?.[key] === value);
}

function together(key: string, a: corev1.Node, b: corev1.Node): boolean {
  const [one, other] = [a.metadata.labels?.[key], b.metadata.labels?.[key]];
  return one !== undefined && one === other;
}

test.each(Array.from({ length: 60 }, (_, i) => i + 1))('every decision of world %i is the checker’s', (seed) => {
  const random = seededRandom(seed);
  const nodes = Array.from({ length: 3 + Math.floor(random.next() * 6) }, (_, i) => randomNode(random, i));
  const decider = makeDecider();
  const { cluster } = decider.handle;
  for (const node of nodes) cluster.setNode(node);
  const checker = new Checker(nodes);
  for (let i = 0; i < 60; i++) {
    const pod = randomPod(random, i);
    const allowed = checker.allowed(pod);
    const decision = decider.decide(pod);
    if (decision.type === 'placed') {
      expect({ pod, allowed: allowed.includes(decision.nodeName) }).toEqual({ pod, allowed: true });
      const node = nodes.find(({ metadata }) => metadata.name === decision.nodeName)!;
      cluster.setPod({ ...pod, spec: { ...pod.spec, nodeName: decision.nodeName } });
      checker.placed.push({ pod, node });
    } else expect({ pod, allowed }).toEqual({ pod, allowed: [] });
    // Some go again, so that what is remembered must be forgotten.
    if (chance(random, 0.25) && checker.placed.length > 0) {
      const [gone] = checker.placed.splice(Math.floor(random.next() * checker.placed.length), 1);
      cluster.removePod(gone!.pod.metadata.uid ?? '');
    }
  }
  expect(checker.placed.length).toBeGreaterThan(0);
});
