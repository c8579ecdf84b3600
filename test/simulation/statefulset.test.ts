import { describe, expect, it } from 'vitest';
import { appsv1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { startCluster } from '../../src/testing/index.ts';
import { patch } from './objects.ts';
import { createStatefulSet, getStatefulSet, PodStory, revisionsOf, untilStatefulSetDone } from './sets.ts';

describe('a StatefulSet', () => {
  it('makes its pods one after the other, and updates them from the last to the first', async () => {
    const story = new PodStory();
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, onChange: story.record });
    await createStatefulSet(cluster, 'web');
    await untilStatefulSetDone(cluster, 'web');
    expect(story.take()).toMatchInlineSnapshot(`
      [
        "web-0 app:1 Pending",
        "web-0 app:1 ready",
        "web-1 app:1 Pending",
        "web-1 app:1 ready",
        "web-2 app:1 Pending",
        "web-2 app:1 ready",
      ]
    `);
    await patch(cluster, appsv1Resources.statefulsets, 'web', {
      spec: { template: { spec: { containers: [{ name: 'main', image: 'app:2' }] } } },
    });
    await untilStatefulSetDone(cluster, 'web');
    expect(story.take()).toMatchInlineSnapshot(`
      [
        "web-2 app:1 going",
        "web-2 gone",
        "web-2 app:2 Pending",
        "web-2 app:2 ready",
        "web-1 app:1 going",
        "web-1 gone",
        "web-1 app:2 Pending",
        "web-1 app:2 ready",
        "web-0 app:1 going",
        "web-0 gone",
        "web-0 app:2 Pending",
        "web-0 app:2 ready",
      ]
    `);
    expect((await getStatefulSet(cluster, 'web')).status).toMatchInlineSnapshot(`
      {
        "availableReplicas": 3,
        "collisionCount": 0,
        "currentReplicas": 3,
        "currentRevision": "web-5c6db89f49",
        "observedGeneration": 2,
        "readyReplicas": 3,
        "replicas": 3,
        "updateRevision": "web-5c6db89f49",
        "updatedReplicas": 3,
      }
    `);
    expect((await revisionsOf(cluster, 'web')).map(({ metadata, revision }) => `${revision} ${metadata.name}`)).toMatchInlineSnapshot(`
      [
        "1 web-5f5678cd86",
        "2 web-5c6db89f49",
      ]
    `);
    await patch(cluster, appsv1Resources.statefulsets, 'web', { spec: { replicas: 1 } });
    await untilStatefulSetDone(cluster, 'web');
    expect(story.take()).toMatchInlineSnapshot(`
      [
        "web-2 app:2 going",
        "web-2 gone",
        "web-1 app:2 going",
        "web-1 gone",
      ]
    `);
  });
});
