import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, patienceMs, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

/** Pods wait for one another: longer than one of them takes. */
const longMs = 2.5 * patienceMs;
const testMs = 300_000;

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

/** A web server of one file; without the file it is not ready. */
const serve = 'mkdir -p /tmp/www; echo ok > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www';

describe.skipIf(unavailable)('apps/statefulset', () => {
  const cluster = useCluster('conformance-statefulset');
  const sets = (rest = ''): string => cluster.path('apps/v1', `statefulsets${rest}`);
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);

  const template = (name: string, version: string): Json => ({
    metadata: { labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'webserver',
          image: toolbox,
          args: ['-c', serve],
          env: [{ name: 'VERSION', value: version }],
          readinessProbe: { httpGet: { path: '/index.html', port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    },
  });
  const create = async (name: string, replicas: number, spec: Json = {}): Promise<Json> => {
    const service = { metadata: { name }, spec: { clusterIP: 'None', selector: { app: name }, ports: [{ port: 80 }] } };
    await cluster.api('POST', cluster.path('v1', 'services'), service);
    return cluster.api('POST', sets(), {
      metadata: { name, labels: { app: name } },
      spec: { replicas, serviceName: name, selector: { matchLabels: { app: name } }, template: template(name, '1'), ...spec },
    });
  };
  const get = (name: string): Promise<Json> => cluster.api('GET', sets(`/${name}`));
  const patch = (name: string, body: Json): Promise<Json> => cluster.api('PATCH', sets(`/${name}`), body, mergePatch);
  const scale = (name: string, replicas: number): Promise<Json> => patch(name, { spec: { replicas } });
  const setVersion = (name: string, version: string): Promise<Json> => patch(name, { spec: { template: template(name, version) } });
  const podsOf = async (name: string): Promise<Json[]> => {
    const { items } = await cluster.api('GET', pods(`?labelSelector=app%3D${name}`));
    return items.toSorted((a: Json, b: Json) => (a.metadata.name < b.metadata.name ? -1 : 1));
  };
  const isReady = (pod: Json): boolean => pod.status.conditions?.some((each: Json) => each.type === 'Ready' && each.status === 'True');
  const readyCount = async (name: string, count: number): Promise<void> => {
    await eventually(async () => {
      const found = await podsOf(name);
      expect(found).toHaveLength(count);
      expect(found.every(isReady)).toBe(true);
    }, longMs);
  };
  const breakProbe = (pod: string): Promise<unknown> => cluster.kubectl(['exec', pod, '--', 'rm', '-f', '/tmp/www/index.html']);
  const restoreProbe = (pod: string): Promise<unknown> => cluster.kubectl(['exec', pod, '--', 'sh', '-c', 'echo ok > /tmp/www/index.html']);
  const podIs = (name: string, ready: boolean): Promise<void> =>
    eventually(async () => expect(isReady(await cluster.api('GET', pods(`/${name}`)))).toBe(ready), longMs);
  const observed = (name: string): Promise<Json> =>
    eventually(async () => {
      const set = await get(name);
      expect(set.status.observedGeneration).toBeGreaterThanOrEqual(set.metadata.generation);
      return set;
    });
  const versionOf = (pod: Json): string => pod.spec.containers[0].env[0].value;
  const revisionOf = (pod: Json): string => pod.metadata.labels['controller-revision-hash'];
  const remove = async (name: string): Promise<void> => {
    await cluster.api('DELETE', sets(`/${name}`), { propagationPolicy: 'Background' });
    await eventually(async () => expect(await podsOf(name)).toEqual([]), longMs);
  };

  test(
    'StatefulSet, Rolling Update',
    async () => {
      await create('rolling', 3);
      await readyCount('rolling', 3);
      const first = (await observed('rolling')).status;
      expect(first.currentRevision).toBe(first.updateRevision);
      expect((await podsOf('rolling')).map(revisionOf)).toEqual(Array(3).fill(first.currentRevision));
      const update = async (version: string): Promise<Json> => {
        // The pod in the middle is not ready: neither it nor those below it may be replaced before it is.
        await breakProbe('rolling-1');
        await podIs('rolling-1', false);
        await setVersion('rolling', version);
        const { status } = await observed('rolling');
        expect(status.currentRevision).not.toBe(status.updateRevision);
        expect((await podsOf('rolling')).map(versionOf).filter((each) => each === version)).toEqual([]);
        await restoreProbe('rolling-1');
        await eventually(async () => {
          const { status: now } = await get('rolling');
          expect(now).toMatchObject({ currentRevision: status.updateRevision, updatedReplicas: 3, readyReplicas: 3 });
        }, longMs);
        const after = await podsOf('rolling');
        expect(after.map(versionOf)).toEqual([version, version, version]);
        expect(after.map(revisionOf)).toEqual(Array(3).fill(status.updateRevision));
        return status;
      };
      const second = await update('2');
      expect(second.updateRevision).not.toBe(first.updateRevision);
      const back = await update('1');
      expect(back.updateRevision).toBe(first.currentRevision);
      await remove('rolling');
    },
    testMs,
  );

  test(
    'StatefulSet, Rolling Update with Partition',
    async () => {
      const partitioned = (partition: number): Json => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } } });
      await create('canary', 3, partitioned(3));
      await readyCount('canary', 3);
      const { currentRevision: old } = (await observed('canary')).status;
      await setVersion('canary', '2');
      const { updateRevision: fresh } = (await observed('canary')).status;
      expect(fresh).not.toBe(old);
      const revisions = async (): Promise<string[]> => (await podsOf('canary')).map(revisionOf);
      const become = (expected: string[]): Promise<void> =>
        eventually(async () => {
          expect(await revisions()).toEqual(expected);
          expect((await podsOf('canary')).every(isReady)).toBe(true);
        }, longMs);
      // Above all ordinals: nothing happens.
      expect(await revisions()).toEqual([old, old, old]);
      await patch('canary', { spec: partitioned(2) });
      await become([old, old, fresh]);
      for (const name of ['canary-0', 'canary-2']) await cluster.api('DELETE', pods(`/${name}`), { gracePeriodSeconds: 0 });
      // Deleted pods come back at the version that their ordinal has.
      await become([old, old, fresh]);
      for (const partition of [1, 0]) {
        await patch('canary', { spec: partitioned(partition) });
        await become(partition === 1 ? [old, fresh, fresh] : [fresh, fresh, fresh]);
      }
      await eventually(async () => expect((await get('canary')).status.currentRevision).toBe(fresh));
      await remove('canary');
    },
    testMs,
  );

  test(
    'StatefulSet, Scaling',
    async () => {
      await create('scaling', 1);
      await readyCount('scaling', 1);
      await using events = await HeldWatch.open(cluster.transport(), pods('?labelSelector=app%3Dscaling'));
      await breakProbe('scaling-0');
      await podIs('scaling-0', false);
      await scale('scaling', 3);
      await observed('scaling');
      expect(await podsOf('scaling')).toHaveLength(1);
      await restoreProbe('scaling-0');
      await readyCount('scaling', 3);
      const added: string[] = [];
      while (added.length < 3) {
        const { type, object } = await events.next();
        if (type === 'ADDED') added.push(object.metadata.name);
      }
      expect(added).toEqual(['scaling-0', 'scaling-1', 'scaling-2']);
      const all = ['scaling-0', 'scaling-1', 'scaling-2'];
      for (const name of all) await breakProbe(name);
      for (const name of all) await podIs(name, false);
      await scale('scaling', 0);
      await observed('scaling');
      expect(await podsOf('scaling')).toHaveLength(3);
      for (const name of all) await restoreProbe(name);
      await eventually(async () => expect(await podsOf('scaling')).toEqual([]), longMs);
      const deleted: string[] = [];
      while (deleted.length < 3) {
        const { type, object } = await events.next();
        if (type === 'DELETED') deleted.push(object.metadata.name);
      }
      expect(deleted).toEqual(['scaling-2', 'scaling-1', 'scaling-0']);
      await remove('scaling');
    },
    testMs,
  );

  test(
    'StatefulSet, Burst Scaling',
    async () => {
      await create('burst', 1, { podManagementPolicy: 'Parallel' });
      await readyCount('burst', 1);
      await breakProbe('burst-0');
      await podIs('burst-0', false);
      await scale('burst', 3);
      // The new ones do not wait for the one that is not ready.
      await podIs('burst-2', true);
      await podIs('burst-1', true);
      await breakProbe('burst-2');
      await podIs('burst-2', false);
      await scale('burst', 0);
      await eventually(async () => expect(await podsOf('burst')).toEqual([]), longMs);
      await eventually(async () => expect((await get('burst')).status.replicas).toBe(0));
      await remove('burst');
    },
    testMs,
  );

  test(
    'StatefulSet, Recreate Failed Pod',
    async () => {
      const [node] = (await cluster.api('GET', '/api/v1/nodes')).items;
      const nodeName: string = node.metadata.name;
      const ports = [{ name: 'conflict', containerPort: 21017, hostPort: 21017 }];
      const container = { name: 'webserver', image: toolbox, args: ['-c', 'exec sleep 10000'], ports };
      await cluster.api('POST', pods(), {
        metadata: { name: 'blocker' },
        spec: { nodeName, terminationGracePeriodSeconds: 0, containers: [container] },
      });
      await eventually(async () => expect((await cluster.api('GET', pods('/blocker'))).status.phase).toBe('Running'), longMs);
      await using events = await HeldWatch.open(cluster.transport(), pods('?labelSelector=app%3Drecreate'));
      await create('recreate', 1, {
        template: {
          metadata: { labels: { app: 'recreate' } },
          spec: { nodeName, terminationGracePeriodSeconds: 0, containers: [container] },
        },
      });
      // The kubelet refuses the pod, and another of the same name comes in its place.
      const { object: refused } = await events.until(({ object }) => object.status?.phase === 'Failed', longMs);
      await events.until(({ type, object }) => type === 'DELETED' && object.metadata.uid === refused.metadata.uid, longMs);
      await cluster.api('DELETE', pods('/blocker'), { gracePeriodSeconds: 0 });
      await eventually(async () => {
        const pod = await cluster.api('GET', pods('/recreate-0'));
        expect(pod.status.phase).toBe('Running');
        expect(pod.metadata.uid).not.toBe(refused.metadata.uid);
      }, longMs);
      await remove('recreate');
    },
    testMs,
  );

  test(
    'StatefulSet resource Replica scaling',
    async () => {
      await create('subresource', 1);
      await readyCount('subresource', 1);
      const path = sets('/subresource/scale');
      const current = await cluster.api('GET', path);
      expect(current).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 1, selector: 'app=subresource' } });
      // Whatever its version: the controller writes the status meanwhile.
      const { resourceVersion: _, ...metadata } = current.metadata;
      const updated = await cluster.api('PUT', path, { ...current, metadata, spec: { replicas: 2 } });
      expect(updated.spec.replicas).toBe(2);
      expect((await get('subresource')).spec.replicas).toBe(2);
      await readyCount('subresource', 2);
      await cluster.api('PATCH', path, { spec: { replicas: 4 } }, mergePatch);
      expect((await get('subresource')).spec.replicas).toBe(4);
      await remove('subresource');
    },
    testMs,
  );

  test(
    'StatefulSet, list, patch and delete a collection of StatefulSets',
    async () => {
      await create('collection', 1);
      await readyCount('collection', 1);
      const patched = await patch('collection', {
        metadata: { labels: { 'test-ss': 'patched' } },
        spec: {
          replicas: 2,
          template: { spec: { terminationGracePeriodSeconds: 0, containers: template('collection', 'patched').spec.containers } },
        },
      });
      expect(patched.metadata.labels['test-ss']).toBe('patched');
      await readyCount('collection', 2);
      await eventually(async () => expect((await podsOf('collection')).map(versionOf)).toEqual(['patched', 'patched']), longMs);
      const selected = '?labelSelector=test-ss%3Dpatched';
      expect((await cluster.api('GET', `/apis/apps/v1/statefulsets${selected}`)).items).toHaveLength(1);
      await cluster.api('DELETE', sets(selected), { gracePeriodSeconds: 1 });
      await eventually(async () => expect((await cluster.api('GET', sets(selected))).items).toEqual([]));
      await eventually(async () => expect(await podsOf('collection')).toEqual([]), longMs);
    },
    testMs,
  );

  test(
    'StatefulSet, status sub-resource',
    async () => {
      await create('status', 1);
      await readyCount('status', 1);
      await using events = await HeldWatch.open(cluster.transport(), sets('?fieldSelector=metadata.name%3Dstatus'));
      const path = sets('/status/status');
      const current = await cluster.api('GET', path);
      expect(current.status.conditions ?? []).toEqual([]);
      const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' };
      await eventually(async () => {
        const fresh = await get('status');
        const written = await cluster.api('PUT', path, { ...fresh, status: { ...fresh.status, conditions: [condition] } });
        expect(written.status.conditions).toMatchObject([condition]);
      });
      const has =
        (type: string) =>
        (event: Json): boolean =>
          event.object.status?.conditions?.some((each: Json) => each.type === type);
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
