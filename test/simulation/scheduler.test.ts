/** The scheduler in a whole cluster: answers that are lost, plugins of one's own, pods that are held, and what is told of those that wait. */
import { describe, expect, it } from 'vitest';
import { corev1Resources, getCondition } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { defaultConfiguration, type Plugin, type PluginFactory, type SchedulerOptions, waitFor } from '../../src/scheduler/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { createPod, getPod, isReady, namespace } from './objects.ts';

const second = 1_000;
const names = Array.from({ length: 12 }, (_, i) => `p${i}`);

/** The default scheduler with one more plugin, at every point that it implements. */
function withPlugin(plugin: Plugin): SchedulerOptions {
  const factory: PluginFactory = { name: plugin.name, create: () => plugin };
  const configuration = defaultConfiguration();
  const [profile] = configuration.profiles;
  const { multiPoint } = profile!.plugins;
  const enabled = [...multiPoint.enabled, { name: plugin.name, weight: 1 }];
  const plugins = { ...profile!.plugins, multiPoint: { ...multiPoint, enabled } };
  return { configuration: { ...configuration, profiles: [{ ...profile!, plugins }] }, plugins: [factory] };
}

const eventsOf = async ({ client, signal }: Cluster, name: string): Promise<string[]> => {
  const { items } = await client.list(corev1Resources.events, { namespace, signal });
  return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message }) => `${reason}: ${message}`);
};

describe('bindings', () => {
  it('happen once, whatever requests and answers are lost', async () => {
    const nodesOf = new Map<string, Set<string>>();
    await using cluster = await startCluster({
      clock: new VirtualClock(),
      nodes: 3,
      onChange: ({ key, value }) => {
        // Stored as JSON.
        const nodeName = value && /"nodeName":"([^"]+)"/.exec(Buffer.from(value).toString('latin1'))?.[1];
        if (nodeName && key.includes('/pods/')) nodesOf.set(key, (nodesOf.get(key) ?? new Set()).add(nodeName));
      },
    });
    cluster.faults.lose({ requests: 0.3, answers: 0.4 });
    for (const name of names) await createPod(cluster, name);
    await cluster.until('all run', async () =>
      (await Promise.all(names.map(async (name) => isReady(await getPod(cluster, name))))).every(Boolean),
    );
    expect([...nodesOf.values()].filter((nodes) => nodes.size > 1)).toEqual([]);
    expect(nodesOf.size).toBeGreaterThanOrEqual(names.length);
  });
});

describe('a plugin of one’s own', () => {
  it('that throws fails the pod that it is asked about, and no other', async () => {
    const scheduler = withPlugin({
      name: 'Moody',
      filter: (_state, { pod }) => {
        if (pod.metadata.name === 'bad') throw new Error('not today');
        return undefined;
      },
    });
    await using cluster = await startCluster({ clock: new VirtualClock(), scheduler });
    await createPod(cluster, 'bad');
    await createPod(cluster, 'good');
    await cluster.until('the good one runs', async () => isReady(await getPod(cluster, 'good')));
    const message = 'running "Moody" filter plugin: not today';
    await cluster.until('the bad one says why', async () => {
      const condition = getCondition((await getPod(cluster, 'bad')).status.conditions, 'PodScheduled');
      return condition?.reason === 'SchedulerError' && condition.message === message;
    });
    expect(await eventsOf(cluster, 'bad')).toContain(`FailedScheduling: ${message}`);
  });

  it('may hold pods until it allows them, and those it forgets go back when their time is over', async () => {
    const held: string[] = [];
    const scheduler = withPlugin({
      name: 'Patience',
      permit: (_state, { pod }) => {
        held.push(pod.metadata.name);
        return held.length > 1 ? undefined : waitFor(20 * second);
      },
    });
    await using cluster = await startCluster({ clock: new VirtualClock(), scheduler });
    await createPod(cluster, 'p');
    await cluster.until(
      'it waits, and others are told where it will be',
      async () => (await getPod(cluster, 'p')).status.nominatedNodeName === 'node-1',
    );
    await cluster.until('it runs', async () => isReady(await getPod(cluster, 'p')));
    expect(held).toEqual(['p', 'p']);
    expect(await eventsOf(cluster, 'p')).toContain(
      'FailedScheduling: 0/1 nodes are available: 1 rejected due to timeout after waiting 20s at plugin Patience.',
    );
  });
});

it('a pod that fits nowhere says so, and is placed when a node comes', async () => {
  await using cluster = await startCluster({ clock: new VirtualClock() });
  await createPod(cluster, 'picky', { nodeSelector: { 'kubernetes.io/hostname': 'node-2' } });
  await cluster.until('it says why', async () => {
    const condition = getCondition((await getPod(cluster, 'picky')).status.conditions, 'PodScheduled');
    return condition?.reason === 'Unschedulable';
  });
  const [event] = await eventsOf(cluster, 'picky');
  expect(event).toBe(
    "FailedScheduling: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
  );
  await cluster.addNode();
  await cluster.until('it runs', async () => isReady(await getPod(cluster, 'picky')));
  expect(await eventsOf(cluster, 'picky')).toContain('Scheduled: Successfully assigned default/picky to node-2');
});
