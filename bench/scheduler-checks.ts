/** Looks at placements afterwards: a scheduler that is fast and wrong has measured nothing. Pure. */
import { type corev1, parseQuantity, podRequests } from '../src/api/index.ts';
import { isChurnedNode } from './scheduler-churn.ts';
import { affineNamespaces, zoneLabel } from './scheduler-objects.ts';
import { roomyNode } from './scheduler-workloads.ts';

export interface Placements {
  readonly nodes: readonly corev1.Node[];
  readonly pods: readonly corev1.Pod[];
}

/** What is wrong, a sentence each; none when all is as it has to be. */
export function violations(placements: Placements): string[] {
  const byName = new Map(placements.nodes.map((node) => [node.metadata.name, node]));
  const placed = placements.pods.filter(({ spec }) => spec.nodeName);
  // A node of the churn was there when the pod was bound, or had gone so lately that no scheduler could know: neither is a fault.
  const lost = placed
    .filter(({ spec }) => !byName.has(spec.nodeName!) && !isChurnedNode(spec.nodeName!))
    .map((pod) => `${nameOf(pod)} is on a node that does not exist`);
  const world: World = { ...placements, byName, placed: placed.filter(({ spec }) => byName.has(spec.nodeName!)) };
  return [...lost, ...overcommitted(world), ...crowded(world), ...alone(world), ...skewed(world), ...elsewhere(world)];
}

interface World extends Placements {
  readonly byName: ReadonlyMap<string, corev1.Node>;
  readonly placed: readonly corev1.Pod[];
}

function nameOf({ metadata }: corev1.Pod): string {
  return `pod ${metadata.namespace}/${metadata.name}`;
}

function overcommitted({ byName, placed }: World): string[] {
  const taken = new Map<string, Map<string, number>>();
  for (const pod of placed) {
    const amounts = taken.get(pod.spec.nodeName!) ?? new Map<string, number>();
    taken.set(pod.spec.nodeName!, amounts);
    const add = (resource: string, milli: number): unknown => amounts.set(resource, (amounts.get(resource) ?? 0) + milli);
    add('pods', 1000);
    for (const [resource, quantity] of podRequests(pod)) add(resource, quantity.milliValue());
  }
  return [...taken].flatMap(([name, amounts]) =>
    [...amounts].flatMap(([resource, milli]) => {
      const room = parseQuantity(byName.get(name)!.status.allocatable?.[resource] ?? '0').milliValue();
      return milli > room ? [`node ${name} has ${room}m ${resource}, its pods take ${milli}m`] : [];
    }),
  );
}

/** Required anti-affinity among the pods of one colour on one host. */
function crowded({ placed }: World): string[] {
  const hosts = new Map<string, string>();
  const wrong: string[] = [];
  for (const pod of placed.filter(({ spec }) => spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution)) {
    const other = hosts.get(pod.spec.nodeName!);
    if (other !== undefined) wrong.push(`${nameOf(pod)} and ${other} share node ${pod.spec.nodeName} and must not`);
    hosts.set(pod.spec.nodeName!, nameOf(pod));
  }
  return wrong;
}

/** Required affinity: somebody else of its colour has to be in the pod's zone, unless it was the first of all. */
function alone({ byName, placed }: World): string[] {
  const zoneOf = (pod: corev1.Pod): string => byName.get(pod.spec.nodeName!)!.metadata.labels?.[zoneLabel] ?? '';
  const blue = placed.filter(
    ({ metadata }) => metadata.labels?.['color'] === 'blue' && affineNamespaces.includes(metadata.namespace ?? ''),
  );
  const count = new Map<string, number>();
  for (const pod of blue) count.set(zoneOf(pod), (count.get(zoneOf(pod)) ?? 0) + 1);
  return placed
    .filter(({ spec }) => spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
    .filter((pod) => zoneOf(pod) === '' || (count.get(zoneOf(pod))! < 2 && blue.length > 1))
    .map((pod) => `${nameOf(pod)} is in zone "${zoneOf(pod)}" without any of those it has to be near`);
}

/** Pods only came: had each kept within the skew, all of them do. */
function skewed({ nodes, placed, byName }: World): string[] {
  const spread = placed.filter(({ spec }) => spec.topologySpreadConstraints?.some((one) => one.whenUnsatisfiable === 'DoNotSchedule'));
  const constraint = spread[0]?.spec.topologySpreadConstraints?.[0];
  if (!constraint) return [];
  const counts = new Map(nodes.map(({ metadata }) => [metadata.labels?.[constraint.topologyKey] ?? '', 0]));
  for (const { spec } of spread) {
    const zone = byName.get(spec.nodeName!)!.metadata.labels?.[constraint.topologyKey] ?? '';
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  const skew = Math.max(...counts.values()) - Math.min(...counts.values());
  return skew > constraint.maxSkew ? [`skew is ${skew}, at most ${constraint.maxSkew} is allowed: ${JSON.stringify([...counts])}`] : [];
}

/** Node affinity: a pod of a DaemonSet is on the node it names, others are in a zone that they name. */
function elsewhere({ byName, placed }: World): string[] {
  return placed.flatMap((pod) => {
    const term = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0];
    if (!term) return [];
    const zone = byName.get(pod.spec.nodeName!)!.metadata.labels?.[zoneLabel] ?? '';
    const right = term.matchFields ? pod.spec.nodeName === roomyNode : (term.matchExpressions?.[0]?.values ?? []).includes(zone);
    return right ? [] : [`${nameOf(pod)} is on node ${pod.spec.nodeName}, which its node affinity excludes`];
  });
}
