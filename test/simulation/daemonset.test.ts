import { describe, expect, it } from 'vitest';
import { appsv1Resources, type corev1 } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { startCluster } from '../../src/testing/index.ts';
import { namespace, patch } from './objects.ts';
import { createDaemonSet, getDaemonSet, PodStory, revisionsOf, untilDaemonSetDone } from './sets.ts';

/** A daemon's pod has a name of chance: it is told by its node. */
const byNode = ({ spec }: corev1.Pod): string => spec.nodeName ?? 'unplaced';

describe('a DaemonSet', () => {
  it('has a pod on every node, and updates them one after the other', async () => {
    const story = new PodStory(byNode);
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 3, onChange: story.record });
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    expect(story.take()).toMatchInlineSnapshot(`
      [
        "unplaced app:1 Pending",
        "unplaced app:1 Pending",
        "unplaced app:1 Pending",
        "node-1 app:1 Pending",
        "node-2 app:1 Pending",
        "node-3 app:1 Pending",
        "node-1 app:1 ready",
        "node-2 app:1 ready",
        "node-3 app:1 ready",
      ]
    `);
    await patch(cluster, appsv1Resources.daemonsets, 'agent', { spec: { template: { spec: { containers: [{ name: 'main', image: 'app:2' }] } } } });
    await untilDaemonSetDone(cluster, 'agent');
    expect(story.take()).toMatchInlineSnapshot(`
      [
        "node-1 app:1 going",
        "unplaced app:2 Pending",
        "node-1 gone",
        "node-1 app:2 Pending",
        "node-1 app:2 ready",
        "node-2 app:1 going",
        "unplaced app:2 Pending",
        "node-2 gone",
        "node-2 app:2 Pending",
        "node-2 app:2 ready",
        "node-3 app:1 going",
        "unplaced app:2 Pending",
        "node-3 gone",
        "node-3 app:2 Pending",
        "node-3 app:2 ready",
      ]
    `);
    expect((await getDaemonSet(cluster, 'agent')).status).toMatchInlineSnapshot(`
      {
        "currentNumberScheduled": 3,
        "desiredNumberScheduled": 3,
        "numberAvailable": 3,
        "numberMisscheduled": 0,
        "numberReady": 3,
        "observedGeneration": 2,
        "updatedNumberScheduled": 3,
      }
    `);
    expect((await revisionsOf(cluster, 'agent')).map(({ metadata, revision }) => `${revision} ${metadata.name}`)).toMatchInlineSnapshot(`
      [
        "1 agent-wnp8v84pmw",
        "2 agent-sd8gdssxw4",
      ]
    `);
    await cluster.addNode();
    await untilDaemonSetDone(cluster, 'agent');
    await cluster.client.delete(appsv1Resources.daemonsets, { namespace, name: 'agent' }, { signal: cluster.signal });
    await cluster.advance(60_000);
    expect(story.take()).toMatchInlineSnapshot(`
      [
        "node-1 app:2 going",
        "node-2 app:2 going",
        "node-3 app:2 going",
        "node-1 gone",
        "node-2 gone",
        "node-3 gone",
      ]
    `);
  });
});
