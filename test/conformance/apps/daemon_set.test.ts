import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, patienceMs, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

/** A daemon has to start on every node: longer than a loaded machine takes. */
const longMs = 2.5 * patienceMs;
const testMs = 300_000;
const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('apps/daemon_set', () => {
  const cluster = useCluster('conformance-daemon-set');
  const daemonSets = (rest = ''): string => cluster.path('apps/v1', `daemonsets${rest}`);
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);

  const create = (name: string, { pod = {}, spec = {} }: { readonly pod?: Json; readonly spec?: Json } = {}): Promise<Json> =>
    cluster.api('POST', daemonSets(), {
      metadata: { name, labels: { daemon: name } },
      spec: {
        selector: { matchLabels: { daemon: name } },
        template: {
          metadata: { labels: { daemon: name } },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ name: 'app', image: toolbox, args: ['-c', 'exec sleep 10000'], env: [{ name: 'VERSION', value: '1' }] }],
            ...pod,
          },
        },
        ...spec,
      },
    });
  const get = (name: string): Promise<Json> => cluster.api('GET', daemonSets(`/${name}`));
  const patch = (name: string, body: Json): Promise<Json> => cluster.api('PATCH', daemonSets(`/${name}`), body, mergePatch);
  const setContainer = (name: string, container: Json): Promise<Json> =>
    patch(name, {
      spec: { template: { spec: { containers: [{ name: 'app', image: toolbox, args: ['-c', 'exec sleep 10000'], ...container }] } } },
    });
  const setVersion = (name: string, value: string): Promise<Json> => setContainer(name, { env: [{ name: 'VERSION', value }] });
  const podsOf = async (name: string): Promise<Json[]> => (await cluster.api('GET', pods(`?labelSelector=daemon%3D${name}`))).items;
  const isReady = (pod: Json): boolean => pod.status.conditions?.some((each: Json) => each.type === 'Ready' && each.status === 'True');
  const nodeNames = async (): Promise<string[]> =>
    (await cluster.api('GET', '/api/v1/nodes')).items
      .filter(({ spec }: Json) => !spec.unschedulable && !(spec.taints ?? []).some(({ effect }: Json) => effect !== 'PreferNoSchedule'))
      .map(({ metadata }: Json) => metadata.name)
      .toSorted();
  /** One pod that is ready on each of these nodes, and no other. */
  const runsOn = (name: string, nodes: readonly string[]): Promise<Json[]> =>
    eventually(async () => {
      const found = await podsOf(name);
      expect(found.map(({ spec }): string => spec.nodeName).toSorted()).toEqual(nodes);
      expect(found.every((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)).toBe(true);
      return found;
    }, longMs);
  const versionsBecome = async (name: string, version: string): Promise<void> => {
    const nodes = await nodeNames();
    await eventually(async () => {
      const found = await podsOf(name);
      expect(found.map(({ spec }) => spec.containers[0].env[0].value)).toEqual(nodes.map(() => version));
      expect(found.every(isReady)).toBe(true);
    }, longMs);
  };
  const revisions = async (name: string): Promise<Json[]> => {
    const { items } = await cluster.api('GET', cluster.path('apps/v1', `controllerrevisions?labelSelector=daemon%3D${name}`));
    return items.toSorted((a: Json, b: Json) => a.revision - b.revision);
  };
  const remove = async (name: string): Promise<void> => {
    await cluster.api('DELETE', daemonSets(`/${name}`), { propagationPolicy: 'Background' });
    await eventually(async () => expect(await podsOf(name)).toEqual([]), longMs);
  };

  test(
    'DaemonSet-Creation',
    async () => {
      await create('simple');
      const nodes = await nodeNames();
      expect(nodes.length).toBeGreaterThan(0);
      const [first] = await runsOn('simple', nodes);
      await eventually(async () => {
        expect((await get('simple')).status).toMatchObject({ desiredNumberScheduled: nodes.length, numberReady: nodes.length });
      });
      await cluster.api('DELETE', pods(`/${first!.metadata.name}`), { gracePeriodSeconds: 0 });
      const again = await runsOn('simple', nodes);
      expect(again.map(({ metadata }) => metadata.name)).not.toContain(first!.metadata.name);
      await remove('simple');
    },
    testMs,
  );

  test(
    'DaemonSet-NodeSelection',
    async () => {
      const label = 'conformance.knarr.dev/color';
      const [node] = await nodeNames();
      const paint = (color: string | null): Promise<Json> =>
        cluster.api('PATCH', `/api/v1/nodes/${node}`, { metadata: { labels: { [label]: color } } }, mergePatch);
      await create('selected', { pod: { nodeSelector: { [label]: 'blue' } } });
      await eventually(async () => {
        const { metadata, status } = await get('selected');
        expect(status).toMatchObject({ observedGeneration: metadata.generation, desiredNumberScheduled: 0 });
      });
      expect(await podsOf('selected')).toEqual([]);
      await paint('blue');
      await runsOn('selected', [node!]);
      await paint('green');
      await eventually(async () => expect(await podsOf('selected')).toEqual([]), longMs);
      await patch('selected', {
        spec: { template: { spec: { nodeSelector: { [label]: 'green' } } }, updateStrategy: { type: 'RollingUpdate' } },
      });
      await runsOn('selected', [node!]);
      await paint(null);
      await remove('selected');
    },
    testMs,
  );

  test(
    'DaemonSet-FailedPodCreation',
    async () => {
      await create('retry');
      const nodes = await nodeNames();
      const [first] = await runsOn('retry', nodes);
      const { uid, name } = first!.metadata;
      await cluster.api('PATCH', pods(`/${name}/status`), { status: { phase: 'Failed' } }, mergePatch);
      await eventually(async () => expect((await podsOf('retry')).map(({ metadata }) => metadata.uid)).not.toContain(uid), longMs);
      await runsOn('retry', nodes);
      await remove('retry');
    },
    testMs,
  );

  test(
    'DaemonSet-RollingUpdate',
    async () => {
      await create('rolling', { spec: { updateStrategy: { type: 'RollingUpdate' } } });
      const nodes = await nodeNames();
      const before = await runsOn('rolling', nodes);
      const [first] = await revisions('rolling');
      expect(first.revision).toBe(1);
      const hash = first.metadata.labels['controller-revision-hash'];
      for (const pod of before) expect(pod.metadata.labels['controller-revision-hash']).toBe(hash);
      await setVersion('rolling', '2');
      await versionsBecome('rolling', '2');
      const after = await revisions('rolling');
      expect(after.map(({ revision }) => revision)).toEqual([1, 2]);
      expect(after[1].metadata.labels['controller-revision-hash']).not.toBe(hash);
      for (const pod of await runsOn('rolling', nodes)) {
        expect(pod.metadata.labels['controller-revision-hash']).toBe(after[1].metadata.labels['controller-revision-hash']);
      }
      await remove('rolling');
    },
    testMs,
  );

  test(
    'DaemonSet-Rollback',
    async () => {
      await create('rollback', { spec: { updateStrategy: { type: 'RollingUpdate' } } });
      const nodes = await nodeNames();
      const before = await runsOn('rollback', nodes);
      // An update that cannot work: the pod that it makes never starts.
      await setContainer('rollback', {
        image: 'knarr.local/nonexistent:1',
        imagePullPolicy: 'Never',
        env: [{ name: 'VERSION', value: 'bad' }],
      });
      await eventually(async () => {
        expect((await podsOf('rollback')).some(({ spec }) => spec.containers[0].image === 'knarr.local/nonexistent:1')).toBe(true);
      }, longMs);
      await setContainer('rollback', { image: toolbox, imagePullPolicy: 'IfNotPresent', env: [{ name: 'VERSION', value: '1' }] });
      await versionsBecome('rollback', '1');
      const after = await runsOn('rollback', nodes);
      // One was replaced by the bad update; the others were left alone.
      const kept = before.filter(({ metadata }) => after.some((pod) => pod.metadata.uid === metadata.uid));
      expect(kept).toHaveLength(before.length - 1);
      for (const pod of kept) {
        const now = after.find(({ metadata }) => metadata.uid === pod.metadata.uid);
        expect(now.status.containerStatuses[0].restartCount).toBe(pod.status.containerStatuses[0].restartCount);
      }
      await remove('rollback');
    },
    testMs,
  );

  test(
    'DaemonSet, list and delete a collection of DaemonSets',
    async () => {
      await create('collection');
      await runsOn('collection', await nodeNames());
      const selected = '?labelSelector=daemon%3Dcollection';
      expect((await cluster.api('GET', `/apis/apps/v1/daemonsets${selected}`)).items).toHaveLength(1);
      await cluster.api('DELETE', daemonSets(selected), { gracePeriodSeconds: 1 });
      await eventually(async () => expect((await cluster.api('GET', daemonSets(selected))).items).toEqual([]));
      await eventually(async () => expect(await podsOf('collection')).toEqual([]), longMs);
    },
    testMs,
  );

  test(
    'DaemonSet, status sub-resource',
    async () => {
      await create('status');
      await runsOn('status', await nodeNames());
      await using events = await HeldWatch.open(cluster.transport(), daemonSets('?fieldSelector=metadata.name%3Dstatus'));
      const path = daemonSets('/status/status');
      const has =
        (type: string) =>
        (event: Json): boolean =>
          event.object.status?.conditions?.some((each: Json) => each.type === type);
      const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' };
      await eventually(async () => {
        const fresh = await cluster.api('GET', path);
        const written = await cluster.api('PUT', path, { ...fresh, status: { ...fresh.status, conditions: [condition] } });
        expect(written.status.conditions).toMatchObject([condition]);
      });
      await events.until(has('StatusUpdate'));
      const another = { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } };
      const answer = await cluster.api('PATCH', path, another, mergePatch);
      expect(answer.status.conditions).toMatchObject([{ type: 'StatusPatched', status: 'True' }]);
      await events.until(has('StatusPatched'));
      await remove('status');
    },
    testMs,
  );
});
