import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type corev1, corev1Resources, localPath, type Unsaved } from '../../src/api/index.ts';
import { seededRandom, silentLogger, systemClock, TaskGroup } from '../../src/base/index.ts';
import { createEventRecorder, createInformerFactory, runControllers } from '../../src/client/index.ts';
import { createLocalPathCleaner } from '../../src/kubelet/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { find, get, namespace } from './objects.ts';

const { persistentvolumes, persistentvolumeclaims } = corev1Resources;

let base: string;

beforeEach(() => (base = realpathSync(mkdtempSync(join(tmpdir(), 'local-paths-')))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** The node's half, on a machine of its own. */
function startCleaner({ client, signal }: Cluster): TaskGroup {
  const group = new TaskGroup({ log: silentLogger, signal });
  const deps = { client, clock: systemClock, random: seededRandom(1), log: silentLogger, group };
  const informers = createInformerFactory(deps);
  const recorder = createEventRecorder({ ...deps, component: localPath.provisioner });
  const context = { ...deps, informers, recorder };
  runControllers({ controllers: [createLocalPathCleaner(context, { nodeName: 'node-1', directory: base })], context, group });
  return group;
}

interface Given {
  readonly policy?: 'Delete' | 'Retain';
  readonly path?: string;
  readonly provisioner?: string;
  readonly node?: string;
}

/** A volume with a directory, bound to a claim. */
async function boundVolume(cluster: Cluster, name: string, given: Given = {}): Promise<void> {
  const { policy = 'Delete', path = join(base, name), provisioner = localPath.provisioner, node = 'node-1' } = given;
  mkdirSync(join(base, name), { recursive: true });
  writeFileSync(join(base, name, 'data'), 'x');
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: '' } as const;
  const volume: Unsaved<corev1.PersistentVolume> = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name,
      labels: { [localPath.nodeLabel]: node },
      annotations: { 'pv.kubernetes.io/provisioned-by': provisioner },
      finalizers: [localPath.finalizer],
    },
    spec: {
      ...spec,
      persistentVolumeReclaimPolicy: policy,
      local: { path },
      claimRef: { namespace, name },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] },
      },
    },
  };
  const { client, signal } = cluster;
  await client.create(persistentvolumes, volume, { signal });
  const claim: Unsaved<corev1.PersistentVolumeClaim> = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
  };
  await client.create(persistentvolumeclaims, claim, { signal });
  await untilPhase(cluster, name, 'Bound');
}

const untilPhase = (cluster: Cluster, name: string, phase: string): Promise<void> =>
  vi.waitFor(async () => expect((await get(cluster, persistentvolumes, name)).status.phase).toBe(phase), 20_000);

async function dropClaim({ client, signal }: Cluster, name: string): Promise<void> {
  await client.delete(persistentvolumeclaims, { namespace, name }, { signal });
}

describe('a volume that is a directory of a node', () => {
  it('goes with its claim: the directory and then the object', async () => {
    await using cluster = await startCluster();
    const group = startCleaner(cluster);
    await boundVolume(cluster, 'pvc-1');
    expect(existsSync(join(base, 'pvc-1', 'data'))).toBe(true);
    await dropClaim(cluster, 'pvc-1');
    await vi.waitFor(async () => expect(await find(cluster, persistentvolumes, 'pvc-1')).toBeUndefined(), 20_000);
    expect(existsSync(join(base, 'pvc-1'))).toBe(false);
    await group.close();
  });

  it('goes when the node comes back, though its claim went while it was away', async () => {
    await using cluster = await startCluster();
    await boundVolume(cluster, 'pvc-1');
    await dropClaim(cluster, 'pvc-1');
    await untilPhase(cluster, 'pvc-1', 'Released');
    await cluster.client.delete(persistentvolumes, { name: 'pvc-1' }, { signal: cluster.signal });
    expect(existsSync(join(base, 'pvc-1', 'data'))).toBe(true);
    const group = startCleaner(cluster);
    await vi.waitFor(async () => expect(await find(cluster, persistentvolumes, 'pvc-1')).toBeUndefined(), 20_000);
    expect(existsSync(join(base, 'pvc-1'))).toBe(false);
    await group.close();
  });

  const kept: readonly [string, Given][] = [
    ['it is to be retained', { policy: 'Retain' }],
    ['another provisioner made it', { provisioner: 'example.com/other' }],
    ['another node has it', { node: 'node-2' }],
  ];
  it.each(kept)('stays when %s', async (_, given) => {
    await using cluster = await startCluster();
    const group = startCleaner(cluster);
    await boundVolume(cluster, 'pvc-1', given);
    await boundVolume(cluster, 'pvc-2');
    await dropClaim(cluster, 'pvc-1');
    await untilPhase(cluster, 'pvc-1', 'Released');
    await dropClaim(cluster, 'pvc-2');
    // What came after it is done.
    await vi.waitFor(async () => expect(await find(cluster, persistentvolumes, 'pvc-2')).toBeUndefined(), 20_000);
    expect(existsSync(join(base, 'pvc-1', 'data'))).toBe(true);
    await group.close();
  });

  it('does not lead the node to other files', async () => {
    await using cluster = await startCluster();
    const group = startCleaner(cluster);
    const outside = join(base, 'pvc-1', 'data');
    await boundVolume(cluster, 'pvc-1', { path: outside });
    await dropClaim(cluster, 'pvc-1');
    const message = `${outside} is no directory of the local-path provisioner on this node`;
    await vi.waitFor(async () => {
      const { items } = await cluster.client.list(corev1Resources.events, { signal: cluster.signal });
      expect(items.map((event) => event.message)).toContain(message);
    }, 20_000);
    expect(existsSync(outside)).toBe(true);
    await group.close();
  });
});
