import { describe, expect, it } from 'vitest';
import { type corev1, corev1Resources, getCondition, type storagev1, storagev1Resources, type Unsaved } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { createPod, eventsOf, find, get, getPod, namespace } from './objects.ts';

const { persistentvolumes, persistentvolumeclaims, pods, nodes } = corev1Resources;
const { storageclasses, csidrivers, csinodes, csistoragecapacities, volumeattachments } = storagev1Resources;

const driver = 'disks.example.com';
const second = 1_000;

const start = (nodeCount = 3): Promise<Cluster> =>
  startCluster({
    clock: new VirtualClock(),
    nodes: nodeCount,
    controllers: { localPath: { directoryOf: (node) => (node === 'node-3' ? undefined : `/volumes/${node}`) } },
  });

const storageClass = (name: string, provisioner: string, more: Partial<storagev1.StorageClass> = {}): Unsaved<storagev1.StorageClass> => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner,
  volumeBindingMode: 'WaitForFirstConsumer',
  ...more,
});

const claim = (name: string, spec: Partial<corev1.PersistentVolumeClaimSpec> = {}): Unsaved<corev1.PersistentVolumeClaim> => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'local', ...spec },
});

const volume = (name: string, spec: Partial<corev1.PersistentVolumeSpec>): Unsaved<corev1.PersistentVolume> => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'local', ...spec },
});

const onNode = (node: string): Partial<corev1.PersistentVolumeSpec> => ({
  local: { path: '/disk' },
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] },
  },
});

const uses = (...claims: string[]): Partial<corev1.PodSpec> => ({
  volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
});

const claimOf = (cluster: Cluster, name: string): Promise<corev1.PersistentVolumeClaim> => get(cluster, persistentvolumeclaims, name);
const nodeOf = async (cluster: Cluster, pod: string): Promise<string | undefined> => (await getPod(cluster, pod)).spec.nodeName;
const untilPlaced = (cluster: Cluster, pod: string): Promise<void> =>
  cluster.until(`${pod} has a node`, async () => (await nodeOf(cluster, pod)) !== undefined);
const whyPending = async (cluster: Cluster, pod: string): Promise<string | undefined> =>
  getCondition((await getPod(cluster, pod)).status.conditions, 'PodScheduled')?.message;
const untilPendingFor = (cluster: Cluster, pod: string, why: string): Promise<void> =>
  cluster.until(`${pod} waits: ${why}`, async () => (await whyPending(cluster, pod))?.includes(why) === true);

describe('a pod with claims that wait for it', () => {
  it('gets directories of the node it is placed on, and is placed there again', async () => {
    await using cluster = await start(2);
    const { client, signal } = cluster;
    await client.create(storageclasses, storageClass('local', 'knarr.io/local-path'), { signal });
    await client.create(persistentvolumeclaims, claim('data'), { signal });
    await createPod(cluster, 'web', uses('data'));
    await untilPlaced(cluster, 'web');
    const node = (await nodeOf(cluster, 'web')) ?? '';
    const bound = await claimOf(cluster, 'data');
    expect(bound.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe(node);
    const made = await get(cluster, persistentvolumes, bound.spec.volumeName ?? '');
    expect(made.metadata).toMatchObject({ name: `pvc-${bound.metadata.uid}`, labels: { 'knarr.io/local-path-node': node } });
    expect(made.spec).toMatchObject({
      local: { path: `/volumes/${node}/pvc-${bound.metadata.uid}_default_data` },
      persistentVolumeReclaimPolicy: 'Delete',
    });
    for (let round = 0; round < 3; round++) {
      await client.delete(pods, { namespace, name: 'web' }, { signal, body: { gracePeriodSeconds: 0 } });
      await cluster.until('the pod is gone', async () => (await find(cluster, pods, 'web')) === undefined);
      await createPod(cluster, 'web', uses('data'));
      await untilPlaced(cluster, 'web');
      expect(await nodeOf(cluster, 'web')).toBe(node);
    }
  });

  it('is placed anew when the node that was chosen cannot have its volume', async () => {
    await using cluster = await start(3);
    const { client, signal } = cluster;
    const cordon = async (unschedulable: boolean, ...names: string[]): Promise<void> => {
      const patch = { type: 'application/merge-patch+json', body: { spec: { unschedulable } } } as const;
      for (const name of names) await client.patch(nodes, { name }, patch, { signal });
    };
    await cordon(true, 'node-1', 'node-2');
    await client.create(storageclasses, storageClass('local', 'knarr.io/local-path'), { signal });
    await client.create(persistentvolumeclaims, claim('data'), { signal });
    await createPod(cluster, 'web', uses('data'));
    const refusal = 'failed to provision volume with StorageClass "local": node "node-3" has no local paths';
    await cluster.until('it is told', async () => (await eventsOf(cluster, 'data')).some(({ message }) => message === refusal));
    await cordon(true, 'node-3');
    await cordon(false, 'node-1');
    await untilPlaced(cluster, 'web');
    expect(await nodeOf(cluster, 'web')).toBe('node-1');
    const failures = (await eventsOf(cluster, 'web')).filter(({ reason }) => reason === 'FailedScheduling').map(({ message }) => message);
    expect(failures.join()).toContain('provisioning failed for PVC "data"');
  });

  it('takes volumes that are there, each for one claim, on a node that reaches all of them', async () => {
    await using cluster = await start(3);
    const { client, signal } = cluster;
    await client.create(storageclasses, storageClass('local', 'kubernetes.io/no-provisioner'), { signal });
    for (const [name, node] of [
      ['a', 'node-1'],
      ['b', 'node-2'],
      ['c', 'node-2'],
    ] as const) {
      await client.create(persistentvolumes, volume(name, onNode(node)), { signal });
    }
    for (const name of ['one', 'two']) await client.create(persistentvolumeclaims, claim(name), { signal });
    await createPod(cluster, 'web', uses('one', 'two'));
    await untilPlaced(cluster, 'web');
    expect(await nodeOf(cluster, 'web')).toBe('node-2');
    const taken = [(await claimOf(cluster, 'one')).spec.volumeName, (await claimOf(cluster, 'two')).spec.volumeName];
    expect(new Set(taken)).toEqual(new Set(['b', 'c']));

    await client.create(persistentvolumeclaims, claim('three'), { signal });
    await client.create(persistentvolumeclaims, claim('four'), { signal });
    await createPod(cluster, 'late', uses('three', 'four'));
    await untilPendingFor(cluster, 'late', "3 node(s) didn't find available persistent volumes to bind");
    await client.create(persistentvolumes, volume('d', onNode('node-1')), { signal });
    await untilPlaced(cluster, 'late');
    expect(await nodeOf(cluster, 'late')).toBe('node-1');
  });

  it('goes where the driver has room', async () => {
    await using cluster = await start(2);
    const { client, signal } = cluster;
    await client.create(storageclasses, storageClass('local', driver), { signal });
    const spec = { storageCapacity: true };
    await client.create(csidrivers, { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: driver }, spec }, { signal });
    await client.create(persistentvolumeclaims, claim('data'), { signal });
    await createPod(cluster, 'web', uses('data'));
    await untilPendingFor(cluster, 'web', '2 node(s) did not have enough free storage');
    const capacity = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIStorageCapacity',
      metadata: { name: 'node-2', namespace: 'default' },
      storageClassName: 'local',
      nodeTopology: { matchLabels: { 'kubernetes.io/hostname': 'node-2' } },
      capacity: '5Gi',
    } as const;
    await client.create(csistoragecapacities, capacity, { signal });
    const selected = 'volume.kubernetes.io/selected-node';
    await cluster.until('a node is chosen', async () => (await claimOf(cluster, 'data')).metadata.annotations?.[selected] === 'node-2');
  });

  const refusals = [
    { why: 'persistentvolumeclaim "none" not found', given: [] },
    { why: 'pod has unbound immediate PersistentVolumeClaims', given: [claim('none', { storageClassName: '' })] },
    { why: "2 node(s) didn't find available persistent volumes to bind", given: [claim('none')] },
  ];
  it.each(refusals)('says why it waits: $why', async ({ why, given }) => {
    await using cluster = await start(2);
    const { client, signal } = cluster;
    await client.create(storageclasses, storageClass('local', 'kubernetes.io/no-provisioner'), { signal });
    for (const one of given) await client.create(persistentvolumeclaims, one, { signal });
    await createPod(cluster, 'web', uses('none'));
    await untilPendingFor(cluster, 'web', why);
  });

  it('is not placed beside another one that has the claim to itself', async () => {
    await using cluster = await start(2);
    const { client, signal } = cluster;
    await client.create(storageclasses, storageClass('local', 'knarr.io/local-path'), { signal });
    await client.create(persistentvolumeclaims, claim('data', { accessModes: ['ReadWriteOncePod'] }), { signal });
    await createPod(cluster, 'first', uses('data'));
    await untilPlaced(cluster, 'first');
    await createPod(cluster, 'second', uses('data'));
    await untilPendingFor(
      cluster,
      'second',
      'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
    );
    await client.delete(pods, { namespace, name: 'first' }, { signal, body: { gracePeriodSeconds: 0 } });
    await untilPlaced(cluster, 'second');
  });
});

describe('an ephemeral volume', () => {
  const ephemeral: Partial<corev1.PodSpec> = {
    volumes: [
      {
        name: 'scratch',
        ephemeral: { volumeClaimTemplate: { metadata: { labels: { kept: 'yes' } }, spec: claim('x').spec } },
      },
    ],
  };

  it('has a claim that is the pod’s own and goes with it', async () => {
    await using cluster = await start(2);
    const { client, signal } = cluster;
    await client.create(storageclasses, storageClass('local', 'knarr.io/local-path'), { signal });
    const pod = await createPod(cluster, 'web', ephemeral);
    await untilPlaced(cluster, 'web');
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: pod.metadata.uid, controller: true, blockOwnerDeletion: true };
    expect((await claimOf(cluster, 'web-scratch')).metadata).toMatchObject({ labels: { kept: 'yes' }, ownerReferences: [owner] });
    await client.delete(pods, { namespace, name: 'web' }, { signal, body: { gracePeriodSeconds: 0 } });
    await cluster.until('the claim is gone', async () => (await find(cluster, persistentvolumeclaims, 'web-scratch')) === undefined);
  });

  it('does not take somebody else’s claim', async () => {
    await using cluster = await start(1);
    const { client, signal } = cluster;
    await client.create(persistentvolumeclaims, claim('web-scratch'), { signal });
    await createPod(cluster, 'web', ephemeral);
    const why = 'PVC default/web-scratch was not created for pod default/web (pod is not owner)';
    await untilPendingFor(cluster, 'web', why);
    const said = (await eventsOf(cluster, 'web')).map(({ reason, message }) => `${reason}: ${message}`);
    expect(said).toContain(`FailedBinding: ephemeral volume scratch: ${why}`);
  });
});

describe('a volume of a driver that attaches', () => {
  /** A bound claim of a CSI volume, and pods that are told their nodes. */
  async function withDisk(cluster: Cluster, accessModes: corev1.PersistentVolumeSpec['accessModes'] = ['ReadWriteOnce']): Promise<void> {
    const { client, signal } = cluster;
    const csi = { driver, volumeHandle: 'disk-1' };
    await client.create(persistentvolumes, volume('disk', { csi, accessModes, storageClassName: 'disks' }), { signal });
    await client.create(persistentvolumeclaims, claim('data', { accessModes, storageClassName: 'disks' }), { signal });
    await cluster.until('it is bound', async () => (await claimOf(cluster, 'data')).status.phase === 'Bound');
  }
  const attachments = async (cluster: Cluster): Promise<readonly storagev1.VolumeAttachment[]> =>
    (await cluster.client.list(volumeattachments, { signal: cluster.signal })).items;
  const report = async (cluster: Cluster, status: storagev1.VolumeAttachmentStatus): Promise<void> => {
    for (const { metadata } of await attachments(cluster)) {
      const patch = { type: 'application/merge-patch+json', body: { status }, subresource: 'status' } as const;
      await cluster.client.patch(volumeattachments, { name: metadata.name }, patch, { signal: cluster.signal });
    }
  };
  const onNodeSpec = (node: string): Partial<corev1.PodSpec> => ({ ...uses('data'), nodeName: node });
  const unique = `kubernetes.io/csi/${driver}^disk-1`;
  const attachedTo = async (cluster: Cluster, node: string): Promise<unknown> =>
    (await get(cluster, nodes, node)).status?.volumesAttached?.map(({ name }) => name);

  it('is attached to the node of its pod, reported there, and let go with the pod', async () => {
    await using cluster = await start(2);
    await withDisk(cluster);
    await createPod(cluster, 'web', onNodeSpec('node-1'));
    await cluster.until('it is to be attached', async () => (await attachments(cluster)).length === 1);
    const [made] = await attachments(cluster);
    expect(made?.metadata.name).toMatch(/^csi-[0-9a-f]{64}$/);
    expect(made?.spec).toMatchObject({ attacher: driver, nodeName: 'node-1', source: { persistentVolumeName: 'disk' } });
    await report(cluster, { attached: true });
    await cluster.until('the node says so', async () => (await attachedTo(cluster, 'node-1')) !== undefined);
    expect(await attachedTo(cluster, 'node-1')).toEqual([unique]);
    await cluster.until('it is told', async () =>
      (await eventsOf(cluster, 'web')).some(({ reason }) => reason === 'SuccessfulAttachVolume'),
    );
    await cluster.client.delete(pods, { namespace, name: 'web' }, { signal: cluster.signal, body: { gracePeriodSeconds: 0 } });
    await cluster.until('it is detached', async () => (await attachments(cluster)).length === 0);
    expect(await attachedTo(cluster, 'node-1')).toBeUndefined();
  });

  it('is not attached to a second node while one has it, unless many may', async () => {
    await using cluster = await start(2);
    await withDisk(cluster);
    await createPod(cluster, 'first', onNodeSpec('node-1'));
    await cluster.until('it is to be attached', async () => (await attachments(cluster)).length === 1);
    await createPod(cluster, 'second', onNodeSpec('node-2'));
    const message = 'Multi-Attach error for volume "disk" Volume is already used by pod(s) first';
    await cluster.until('it is told', async () => (await eventsOf(cluster, 'second')).some((event) => event.message === message));
    expect(await attachments(cluster)).toHaveLength(1);
    await cluster.client.delete(pods, { namespace, name: 'first' }, { signal: cluster.signal, body: { gracePeriodSeconds: 0 } });
    await cluster.until('it moves', async () => (await attachments(cluster))[0]?.spec.nodeName === 'node-2');
  });

  it('is attached to several nodes when its access mode says so', async () => {
    await using cluster = await start(2);
    await withDisk(cluster, ['ReadWriteMany']);
    await createPod(cluster, 'first', onNodeSpec('node-1'));
    await createPod(cluster, 'second', onNodeSpec('node-2'));
    await cluster.until('both are to be attached', async () => (await attachments(cluster)).length === 2);
  });

  it('stays attached while the node has it in use, for six minutes when the node is silent, no longer when it is out of service', async () => {
    for (const outOfService of [false, true]) {
      await using cluster = await start(2);
      const { client, signal } = cluster;
      await withDisk(cluster);
      await createPod(cluster, 'web', onNodeSpec('node-1'));
      await cluster.until('it is to be attached', async () => (await attachments(cluster)).length === 1);
      await report(cluster, { attached: true });
      const inUse = { type: 'application/merge-patch+json', body: { status: { volumesInUse: [unique] } }, subresource: 'status' } as const;
      await client.patch(nodes, { name: 'node-1' }, inUse, { signal });
      await cluster.nodes[0]?.powerOff();
      await cluster.until(
        'the node is silent',
        async () => getCondition((await get(cluster, nodes, 'node-1')).status?.conditions, 'Ready')?.status === 'Unknown',
      );
      await client.delete(pods, { namespace, name: 'web' }, { signal, body: { gracePeriodSeconds: 0 } });
      await cluster.advance(300 * second);
      expect(await attachments(cluster)).toHaveLength(1);
      if (outOfService) {
        const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }];
        await client.patch(nodes, { name: 'node-1' }, { type: 'application/merge-patch+json', body: { spec: { taints } } }, { signal });
        await cluster.until('it is detached', async () => (await attachments(cluster)).length === 0, 30 * second);
      } else await cluster.until('it is detached', async () => (await attachments(cluster)).length === 0, 120 * second);
    }
  });

  it('counts against what the node can attach', async () => {
    await using cluster = await start(1);
    const { client, signal } = cluster;
    const spec = { drivers: [{ name: driver, nodeID: 'n', topologyKeys: null as never, allocatable: { count: 1 } }] };
    await client.create(csinodes, { apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name: 'node-1' }, spec }, { signal });
    await withDisk(cluster);
    const csi = { driver, volumeHandle: 'disk-2' };
    await client.create(persistentvolumes, volume('disk-2', { csi, storageClassName: 'more' }), { signal });
    await client.create(persistentvolumeclaims, claim('more', { storageClassName: 'more' }), { signal });
    await cluster.until('it is bound', async () => (await claimOf(cluster, 'more')).status.phase === 'Bound');
    await createPod(cluster, 'first', uses('data'));
    await untilPlaced(cluster, 'first');
    await createPod(cluster, 'again', uses('data'));
    await untilPlaced(cluster, 'again');
    await createPod(cluster, 'second', uses('more'));
    await untilPendingFor(cluster, 'second', '1 node(s) exceed max volume count');
  });

  it('is expanded by others, and the claim is told', async () => {
    await using cluster = await start(1);
    const { client, signal } = cluster;
    await client.create(storageclasses, storageClass('disks', driver, { allowVolumeExpansion: true, volumeBindingMode: 'Immediate' }), {
      signal,
    });
    await withDisk(cluster);
    const body = { spec: { resources: { requests: { storage: '2Gi' } } } };
    await client.patch(persistentvolumeclaims, { namespace, name: 'data' }, { type: 'application/merge-patch+json', body }, { signal });
    await cluster.until('it is told', async () => (await eventsOf(cluster, 'data')).some(({ reason }) => reason === 'ExternalExpanding'));
    const told = (await eventsOf(cluster, 'data')).find(({ reason }) => reason === 'ExternalExpanding');
    expect(told).toMatchObject({ type: 'Normal', message: 'waiting for an external controller to expand this PVC' });
  });
});

describe('managers that die between two writes', () => {
  it('leave a binding that those who come after them finish, with one volume a claim', async () => {
    for (let deathAt = 1; deathAt <= 10; deathAt++) {
      let writes = 0;
      let dying: (() => void) | undefined;
      await using cluster = await startCluster({
        clock: new VirtualClock(),
        nodes: 2,
        seed: deathAt,
        controllers: { localPath: { directoryOf: (node) => `/volumes/${node}` } },
        onChange: ({ key }) => {
          if (!/^\/registry\/(persistentvolume|pods)/.test(key) || !dying || ++writes < deathAt) return;
          dying();
          dying = undefined;
        },
      });
      const { client, signal } = cluster;
      await client.create(storageclasses, storageClass('local', 'knarr.io/local-path'), { signal });
      await client.create(
        persistentvolumes,
        volume('kept', { hostPath: { path: '/kept' }, storageClassName: '', claimRef: { namespace, name: 'by-hand' } }),
        {
          signal,
        },
      );
      const died = new Promise<void>((resolve) => (dying = resolve));
      await client.create(persistentvolumeclaims, claim('data'), { signal });
      await client.create(persistentvolumeclaims, claim('by-hand', { storageClassName: '' }), { signal });
      await createPod(cluster, 'web', uses('data', 'by-hand'));
      await cluster.advance(1);
      await Promise.race([died, cluster.advance(5 * second)]);
      await cluster.stopManagers();
      await cluster.advance(second);
      cluster.startManagers();
      await cluster.until('the pod runs', async () => (await getPod(cluster, 'web')).status.phase === 'Running');
      const { items } = await client.list(persistentvolumes, { signal });
      expect(new Set(items.map(({ spec, status }) => `${spec.claimRef?.name} ${status.phase}`))).toEqual(
        new Set(['by-hand Bound', 'data Bound']),
      );
      expect(items).toHaveLength(2);
      for (const name of ['data', 'by-hand']) expect((await claimOf(cluster, name)).status.phase).toBe('Bound');
    }
  }, 60_000);
});
