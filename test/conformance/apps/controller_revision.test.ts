import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, patienceMs, unavailable, useCluster } from '../support/cluster.ts';

const longMs = 2.5 * patienceMs;
const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('apps/controller_revision', () => {
  const cluster = useCluster('conformance-controller-revision');
  const daemonSets = (rest = ''): string => cluster.path('apps/v1', `daemonsets${rest}`);
  const revisions = (rest = ''): string => cluster.path('apps/v1', `controllerrevisions${rest}`);
  const selected = '?labelSelector=daemonset-name%3De2e-revision';

  test('ControllerRevision, resource lifecycle', async () => {
    const labels = { 'daemonset-name': 'e2e-revision' };
    const container = { name: 'app', image: toolbox, args: ['-c', 'exec sleep 10000'], ports: [{ containerPort: 9376 }] };
    await cluster.api('POST', daemonSets(), {
      metadata: { name: 'e2e-revision', labels },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
      },
    });
    await eventually(async () => {
      const { status } = await cluster.api('GET', daemonSets('/e2e-revision'));
      expect(status.desiredNumberScheduled).toBeGreaterThan(0);
      expect(status.numberReady).toBe(status.desiredNumberScheduled);
    }, longMs);

    const { items } = await cluster.api('GET', revisions(selected));
    expect(items).toHaveLength(1);
    const initial = await cluster.api('GET', revisions(`/${items[0].metadata.name}`));
    expect(initial).toMatchObject({ kind: 'ControllerRevision', revision: 1, data: { spec: { template: { $patch: 'replace' } } } });

    const mark = { metadata: { labels: { [initial.metadata.name]: 'patched' } } };
    const patched = await cluster.api('PATCH', revisions(`/${initial.metadata.name}`), mark, mergePatch);
    expect(patched.metadata.labels[initial.metadata.name]).toBe('patched');

    // One more of the same owner, by hand.
    const another = await cluster.api('POST', revisions(), {
      metadata: { name: 'e2e-revision-by-hand', labels, ownerReferences: initial.metadata.ownerReferences },
      data: initial.data,
      revision: initial.revision + 1,
    });
    await eventually(async () => expect((await cluster.api('GET', revisions(selected))).items.length).toBeGreaterThan(0));

    // Of two with the same content one stays: the controller clears up when it looks next.
    await cluster.request('DELETE', revisions(`/${initial.metadata.name}`));
    await eventually(async () => expect((await cluster.request('GET', revisions(`/${initial.metadata.name}`))).status).toBe(404));
    await eventually(async () => {
      const left = (await cluster.api('GET', revisions(selected))).items;
      expect(left).toHaveLength(1);
      expect(left[0].metadata.name).toBe(another.metadata.name);
    });

    const updated = await eventually(async () => {
      const fresh = await cluster.api('GET', revisions(`/${another.metadata.name}`));
      fresh.metadata.labels[fresh.metadata.name] = 'updated';
      return cluster.api('PUT', revisions(`/${fresh.metadata.name}`), fresh);
    });
    expect(updated.metadata.labels[another.metadata.name]).toBe('updated');

    // A new template makes a second one.
    await cluster.api(
      'PATCH',
      daemonSets('/e2e-revision'),
      { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } },
      mergePatch,
    );
    await eventually(async () => expect((await cluster.api('GET', revisions(selected))).items).toHaveLength(2));
    await cluster.api('DELETE', revisions(`?labelSelector=${another.metadata.name}%3Dupdated`));
    await eventually(async () => {
      const left: Json[] = (await cluster.api('GET', revisions(selected))).items;
      expect(left).toHaveLength(1);
      expect(left[0].metadata.name).not.toBe(another.metadata.name);
      expect(left[0].revision).toBeGreaterThan(1);
    });
    await cluster.api('DELETE', daemonSets('/e2e-revision'), { propagationPolicy: 'Background' });
  }, 300_000);
});
