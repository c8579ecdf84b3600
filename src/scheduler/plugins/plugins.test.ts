/** What each plugin that looks at a pod and one node says: reasons, scores, and which events lift its rejections. */
import { describe, expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { Action, CycleState, eventMatches, type EventResource, type Plugin } from '../framework/index.ts';
import { makeDecider } from '../testdata/decider.ts';
import { testHandle } from '../testdata/handle.ts';
import { makeNode, makePod } from '../testdata/objects.ts';
import { inTreePlugins } from './registry.ts';

function makePlugin(name: string, args: Readonly<Record<string, unknown>> = {}, handle = testHandle()): Plugin {
  const factory = inTreePlugins.find((each) => each.name === name)!;
  return factory.create(factory.defaultArgs?.(args), handle);
}

/** The reasons, `!` in front where no eviction helps; empty when the pod fits. */
function reasonsOf(plugin: Plugin, pod: corev1.Pod, node: corev1.Node, placed: readonly corev1.Pod[] = []): string {
  const { cluster } = testHandle();
  cluster.setNode(node);
  for (const each of placed) cluster.setPod(each);
  const state = new CycleState();
  const info = cluster.podInfo(pod);
  plugin.preFilter?.(state, info);
  const status = plugin.filter!(state, info, cluster.nodes[0]!);
  return status ? `${status.code === 'Unschedulable' ? '' : '!'}${status.reasons.join('; ')}` : '';
}

const ports = (hostPort: number, hostIP?: string, protocol?: 'UDP'): Partial<corev1.PodSpec> => ({
  containers: [
    { name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort, ...(hostIP && { hostIP }), ...(protocol && { protocol }) }] },
  ],
});
const sized = (allocatable: Readonly<Record<string, string>>): corev1.Node =>
  makeNode('n', { status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable } } });
const tainted = (effect: corev1.Taint['effect']): corev1.Node => makeNode('n', { spec: { taints: [{ key: 'k', value: 'v', effect }] } });
const on = (name: string, requests: Readonly<Record<string, string>>, spec: Partial<corev1.PodSpec> = {}): corev1.Pod =>
  makePod(name, requests, { nodeName: 'n', ...spec });

describe('filters', () => {
  test.each<[string, string, corev1.Pod, corev1.Node, readonly corev1.Pod[], string]>([
    [
      'a pod that names another node',
      'NodeName',
      makePod('p', {}, { nodeName: 'x' }),
      makeNode('n'),
      [],
      "!node(s) didn't match the requested node name",
    ],
    [
      'a cordoned node',
      'NodeUnschedulable',
      makePod('p'),
      makeNode('n', { spec: { unschedulable: true } }),
      [],
      '!node(s) were unschedulable',
    ],
    [
      'a cordoned node that the pod tolerates',
      'NodeUnschedulable',
      makePod('p', {}, { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }),
      makeNode('n', { spec: { unschedulable: true } }),
      [],
      '',
    ],
    ['a taint', 'TaintToleration', makePod('p'), tainted('NoExecute'), [], '!node(s) had untolerated taint(s)'],
    ['a soft taint keeps nobody away', 'TaintToleration', makePod('p'), tainted('PreferNoSchedule'), [], ''],
    [
      'the same port on all addresses',
      'NodePorts',
      makePod('p', {}, ports(80)),
      makeNode('n'),
      [on('o', {}, ports(80, '10.0.0.1'))],
      "node(s) didn't have free ports for the requested pod ports",
    ],
    [
      'the same port on another address',
      'NodePorts',
      makePod('p', {}, ports(80, '10.0.0.2')),
      makeNode('n'),
      [on('o', {}, ports(80, '10.0.0.1'))],
      '',
    ],
    [
      'the same port of another protocol',
      'NodePorts',
      makePod('p', {}, ports(80, undefined, 'UDP')),
      makeNode('n'),
      [on('o', {}, ports(80))],
      '',
    ],
    ['cpu that others have', 'NodeResourcesFit', makePod('p', { cpu: '2' }), sized({}), [on('o', { cpu: '3' })], 'Insufficient cpu'],
    ['more than the whole node has', 'NodeResourcesFit', makePod('p', { cpu: '5' }), sized({}), [], '!Insufficient cpu'],
    [
      'an extended resource that the node has not',
      'NodeResourcesFit',
      makePod('p', { 'example.com/gpu': '1' }),
      sized({}),
      [],
      '!Insufficient example.com/gpu',
    ],
    ['every place taken', 'NodeResourcesFit', makePod('p'), sized({ pods: '1' }), [on('o', {})], 'Too many pods'],
    [
      'everything at once',
      'NodeResourcesFit',
      makePod('p', { cpu: '2', memory: '5Gi' }),
      sized({ pods: '1' }),
      [on('o', { cpu: '3', memory: '4Gi' })],
      'Too many pods; Insufficient cpu; Insufficient memory',
    ],
    [
      'resources of the pod as a whole',
      'NodeResourcesFit',
      makePod('p', { cpu: '1' }, { resources: { requests: { cpu: '3' } } }),
      sized({}),
      [on('o', { cpu: '2' })],
      'Insufficient cpu',
    ],
  ])('%s', (_name, plugin, pod, node, placed, expected) => {
    expect(reasonsOf(makePlugin(plugin), pod, node, placed)).toBe(expected);
  });

  test('ignored resources and groups are somebody else’s business', () => {
    const pod = makePod('p', { 'example.com/gpu': '1' });
    expect(reasonsOf(makePlugin('NodeResourcesFit', { ignoredResources: ['example.com/gpu'] }), pod, sized({}))).toBe('');
    expect(reasonsOf(makePlugin('NodeResourcesFit', { ignoredResourceGroups: ['example.com'] }), pod, sized({}))).toBe('');
  });

  test('added affinity holds for every pod of the profile', () => {
    const nodeSelectorTerms = [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['a'] }] }] as const;
    const plugin = makePlugin('NodeAffinity', { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } });
    expect(reasonsOf(plugin, makePod('p'), makeNode('n'))).toBe("!node(s) didn't match scheduler-enforced node affinity");
  });

  test('terms that pin two different names contradict themselves', () => {
    const field = (name: string): corev1.NodeSelectorRequirement => ({ key: 'metadata.name', operator: 'In', values: [name] });
    const nodeSelectorTerms = [{ matchFields: [field('a'), field('b')] }];
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
    const { cluster } = testHandle();
    const answer = makePlugin('NodeAffinity').preFilter!(new CycleState(), cluster.podInfo(makePod('p', {}, { affinity })));
    expect(answer).toMatchObject({ code: 'UnschedulableAndUnresolvable', reasons: ['pod affinity terms conflict'] });
  });
});

describe('scores', () => {
  /** Of a pod that asks for `requests` on a node of 4 cores and 8 GiB with `placed` on it. */
  const score = (plugin: Plugin, requests: Readonly<Record<string, string>>, placed: Readonly<Record<string, string>>): number => {
    const { cluster } = testHandle();
    cluster.setNode(sized({ 'example.com/gpu': '4' }));
    cluster.setPod(on('o', placed));
    const state = new CycleState();
    const info = cluster.podInfo(makePod('p', requests));
    plugin.preScore?.(state, info, cluster.nodes);
    return plugin.score!(state, info, cluster.nodes[0]!);
  };
  const fit = (scoringStrategy: object): Plugin => makePlugin('NodeResourcesFit', { scoringStrategy });
  const shape = [
    { utilization: 0, score: 0 },
    { utilization: 100, score: 10 },
  ];

  test.each<[string, Plugin, number]>([
    ['least allocated: the mean of what is left', fit({ type: 'LeastAllocated' }), 50],
    [
      'least allocated by weight',
      fit({
        type: 'LeastAllocated',
        resources: [
          { name: 'cpu', weight: 3 },
          { name: 'memory', weight: 1 },
        ],
      }),
      37,
    ],
    ['most allocated', fit({ type: 'MostAllocated' }), 50],
    ['requested to capacity ratio', fit({ type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape } }), 50],
    [
      'an extended resource that the pod does not ask for does not count',
      fit({ type: 'MostAllocated', resources: [{ name: 'example.com/gpu', weight: 1 }] }),
      0,
    ],
    ['balance: how close the shares are', makePlugin('NodeResourcesBalancedAllocation'), 75],
  ])('%s', (_name, plugin, expected) => {
    // 3 of 4 cores and 2 of 8 GiB with the pod.
    expect(score(plugin, { cpu: '1', memory: '1Gi' }, { cpu: '2', memory: '1Gi' })).toBe(expected);
  });

  test('an image that few nodes have draws less than one that all have', () => {
    const handle = testHandle();
    const images = [{ names: ['big:latest'], sizeBytes: 800 * 1024 * 1024 }];
    handle.cluster.setNode(makeNode('a', { status: { images } }));
    const plugin = makePlugin('ImageLocality', {}, handle);
    const ask = (): number => {
      const state = new CycleState();
      const info = handle.cluster.podInfo(makePod('p', {}, { containers: [{ name: 'c', image: 'big' }] }));
      plugin.preScore!(state, info, handle.cluster.nodes);
      return plugin.score!(state, info, handle.cluster.node('a')!);
    };
    expect(ask()).toBe(79);
    handle.cluster.setNode(makeNode('b'));
    expect(ask()).toBe(38);
  });

  test('pods of one Service spread over nodes and zones by themselves', () => {
    const decider = makeDecider();
    const { cluster, listers } = decider.handle;
    const metadata = { ...makePod('web').metadata };
    listers.services.put({ apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'web' } }, status: {} });
    for (const [name, zone] of Object.entries({ a: 'z1', b: 'z1', c: 'z2' })) {
      const node = makeNode(name);
      cluster.setNode({
        ...node,
        metadata: { ...node.metadata, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone } },
      });
    }
    const web = (name: string): corev1.Pod => ({ ...makePod(name), metadata: { ...makePod(name).metadata, labels: { app: 'web' } } });
    cluster.setPod({ ...web('first'), spec: { ...web('first').spec, nodeName: 'a' } });
    expect(decider.decide(web('second'))).toMatchObject({ type: 'placed', nodeName: 'c' });
  });
});

describe('events that lift a rejection', () => {
  /** Whether the plugin would have the waiting pod tried again. */
  function helps<T>(
    plugin: Plugin,
    resource: EventResource,
    actions: number,
    change: { readonly pod: corev1.Pod; readonly old?: T; readonly current?: T },
  ): boolean {
    return plugin.events!.some((registration) => {
      if (!eventMatches(registration, { resource, actions })) return false;
      const hint = registration.hint as ((pod: corev1.Pod, old?: T, current?: T) => boolean) | undefined;
      return hint ? hint(change.pod, change.old, change.current) : true;
    });
  }
  const big = makePod('p', { cpu: '6' });

  test.each<[string, boolean, boolean]>([
    [
      'a node that is too small does not help',
      helps(makePlugin('NodeResourcesFit'), 'Node', Action.Add, { pod: big, current: sized({}) }),
      false,
    ],
    [
      'a node that is large enough does',
      helps(makePlugin('NodeResourcesFit'), 'Node', Action.Add, { pod: big, current: sized({ cpu: '8' }) }),
      true,
    ],
    [
      'one that grew in what the pod asks for does',
      helps(makePlugin('NodeResourcesFit'), 'Node', Action.UpdateNodeAllocatable, {
        pod: big,
        old: sized({}),
        current: sized({ cpu: '8' }),
      }),
      true,
    ],
    [
      'one that grew in something else does not',
      helps(makePlugin('NodeResourcesFit'), 'Node', Action.UpdateNodeAllocatable, {
        pod: big,
        old: sized({ cpu: '8' }),
        current: sized({ cpu: '8', memory: '9Gi' }),
      }),
      false,
    ],
    ['a placed pod that goes helps', helps(makePlugin('NodeResourcesFit'), 'Pod', Action.Delete, { pod: big, old: on('o', {}) }), true],
    [
      'a waiting pod that goes does not',
      helps(makePlugin('NodeResourcesFit'), 'Pod', Action.Delete, { pod: big, old: makePod('o') }),
      false,
    ],
    [
      'a placed pod that shrinks helps',
      helps(makePlugin('NodeResourcesFit'), 'Pod', Action.UpdatePodScaleDown, {
        pod: big,
        old: on('o', { cpu: '2' }),
        current: on('o', { cpu: '1' }),
      }),
      true,
    ],
    [
      'a taint that goes helps',
      helps(makePlugin('TaintToleration'), 'Node', Action.UpdateNodeTaint, {
        pod: big,
        old: tainted('NoSchedule'),
        current: makeNode('n'),
      }),
      true,
    ],
    [
      'a taint that comes does not',
      helps(makePlugin('TaintToleration'), 'Node', Action.UpdateNodeTaint, {
        pod: big,
        old: makeNode('n'),
        current: tainted('NoSchedule'),
      }),
      false,
    ],
    [
      'a port that comes free helps',
      helps(makePlugin('NodePorts'), 'Pod', Action.Delete, { pod: makePod('p', {}, ports(80)), old: on('o', {}, ports(80)) }),
      true,
    ],
    [
      'another port does not',
      helps(makePlugin('NodePorts'), 'Pod', Action.Delete, { pod: makePod('p', {}, ports(80)), old: on('o', {}, ports(81)) }),
      false,
    ],
    [
      'an uncordoned node helps',
      helps(makePlugin('NodeUnschedulable'), 'Node', Action.UpdateNodeTaint, {
        pod: big,
        old: makeNode('n', { spec: { unschedulable: true } }),
        current: makeNode('n'),
      }),
      true,
    ],
    [
      'gates that are lifted help the pod itself',
      helps(makePlugin('SchedulingGates'), 'Pod', Action.UpdatePodSchedulingGatesEliminated, { pod: big, old: big, current: big }),
      true,
    ],
    [
      'and nobody else',
      helps(makePlugin('SchedulingGates'), 'Pod', Action.UpdatePodSchedulingGatesEliminated, {
        pod: big,
        old: on('o', {}),
        current: on('o', {}),
      }),
      false,
    ],
  ])('%s', (_name, given, expected) => {
    expect(given).toBe(expected);
  });
});

describe('arguments', () => {
  const faults = (name: string, args: Readonly<Record<string, unknown>>): string[] => {
    const factory = inTreePlugins.find((each) => each.name === name)!;
    return (factory.validateArgs?.(factory.defaultArgs?.(args)) ?? []).map(({ path, message }) => `${path}: ${message}`);
  };

  test('the defaults are valid', () => {
    expect(inTreePlugins.flatMap(({ name }) => faults(name, {}))).toEqual([]);
  });

  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['InterPodAffinity', { hardPodAffinityWeight: 101 }, 'hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]'],
    [
      'DefaultPreemption',
      { minCandidateNodesPercentage: 200 },
      'minCandidateNodesPercentage: Invalid value: 200: not in valid range [0, 100]',
    ],
    [
      'NodeResourcesFit',
      { ignoredResourceGroups: ['a/b'] },
      `ignoredResourceGroups[0]: Invalid value: "a/b": resource group name can't contain '/'`,
    ],
    [
      'NodeResourcesFit',
      { scoringStrategy: { type: 'RequestedToCapacityRatio' } },
      'scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio',
    ],
    [
      'NodeResourcesFit',
      { scoringStrategy: { requestedToCapacityRatio: { shape: [] } } },
      'scoringStrategy.requestedToCapacityRatio: Forbidden: must be nil when type is not RequestedToCapacityRatio',
    ],
    [
      'NodeResourcesFit',
      { scoringStrategy: { type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape: [] } } },
      'scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point must be specified',
    ],
    [
      'NodeResourcesFit',
      { scoringStrategy: { resources: [{ name: 'cpu', weight: 101 }] } },
      'scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]',
    ],
    ['NodeResourcesBalancedAllocation', { resources: [{ name: 'cpu', weight: 2 }] }, 'resources[0].weight: Invalid value: 2: must be 1'],
    [
      'VolumeBinding',
      { bindTimeoutSeconds: -1 },
      'bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value',
    ],
    [
      'PodTopologySpread',
      { defaultingType: 'List', defaultConstraints: [{ maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }] },
      'defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)',
    ],
  ])('%s refuses %j', (name, args, expected) => {
    expect(faults(name, args)).toEqual([expected]);
  });
});
