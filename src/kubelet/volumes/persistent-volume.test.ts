import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type corev1, corev1Resources } from '../../api/index.ts';
import { seededRandom, silentLogger, VirtualClock } from '../../base/index.ts';
import type { RecordedEvent } from '../../client/index.ts';
import { referencedObjects } from '../environment/index.ts';
import { ObjectShelf } from '../environment/object-shelf.suite.ts';
import type { PodLookup, PreparedVolume, VolumeManagerDeps } from '../seams.ts';
import { removeLocalPath } from './local-path-directory.ts';
import type { Mounter } from './mounter.ts';
import { createVolumeManager } from './volume-manager.ts';

let root: string;
let shelf: ObjectShelf;
let events: string[];
let bound: string[];
const abort = new AbortController();
const ctx = { signal: abort.signal, log: silentLogger };

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'kubelet-claims-')));
  shelf = new ObjectShelf();
  events = [];
  bound = [];
});
afterEach(async () => {
  await referencedObjects(deps()).close();
  rmSync(root, { recursive: true, force: true });
});

const mounter: Mounter = {
  mountTmpfs: () => Promise.resolve(),
  bindDescriptor: (_, target, __, options = []) => {
    bound.push([target.slice(root.length), ...options].join(' '));
    return Promise.resolve();
  },
  unmountAll: () => Promise.resolve(),
  mountsBelow: () => [],
};

function deps(): VolumeManagerDeps {
  return {
    client: shelf.client,
    clock: new VirtualClock(),
    random: seededRandom(1),
    log: silentLogger,
    recorder: { event: (_: unknown, { type, reason, message }: RecordedEvent) => void events.push(`${type} ${reason}: ${message}`) },
    nodeName: 'n1',
    rootDir: root,
    pods: { list: () => [] } as unknown as PodLookup,
    nodeAllocatable: () => ({}),
    hostIps: () => [],
    refreshMs: 60_000,
    node: () => ({ metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } }) as unknown as corev1.Node,
    localPathDir: join(root, 'volumes'),
  } as unknown as VolumeManagerDeps;
}

function shelve(
  spec: object,
  { status = { phase: 'Bound' }, claim = {}, volume = {} }: { status?: object; claim?: object; volume?: object } = {},
): void {
  const metadata = { namespace: 'ns', name: 'data', uid: 'c1', ...claim };
  shelf.put(corev1Resources.persistentvolumeclaims, { metadata, spec: { volumeName: 'pv-1' }, status });
  shelf.put(corev1Resources.persistentvolumes, {
    metadata: { name: 'pv-1', ...volume },
    spec: { claimRef: { namespace: 'ns', name: 'data', uid: 'c1' }, ...spec },
    status: { phase: 'Bound' },
  });
}

function pod(source: Omit<corev1.Volume, 'name'>, securityContext: object = {}): corev1.Pod {
  return {
    metadata: { namespace: 'ns', name: 'web', uid: 'u1' },
    spec: {
      containers: [{ name: 'app', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
      volumes: [{ name: 'v', ...source }],
      securityContext,
    },
  } as unknown as corev1.Pod;
}

const claimed = { persistentVolumeClaim: { claimName: 'data' } };

async function prepare(of: corev1.Pod = pod(claimed)): Promise<PreparedVolume> {
  return (await createVolumeManager(deps(), mounter).prepare(of, ctx)).get('v')!;
}

describe('a claim', () => {
  it('of a host path is the path itself', async () => {
    shelve({ hostPath: { path: '/srv/data' } });
    expect(await prepare()).toEqual({ hostPath: '/srv/data', readOnly: false });
    expect(await prepare(pod({ persistentVolumeClaim: { claimName: 'data', readOnly: true } }))).toMatchObject({ readOnly: true });
  });

  it('of a local volume is bound into the pod, with the options of its volume and the group of the pod', async () => {
    const path = join(root, 'disk');
    mkdirSync(path, { mode: 0o755 });
    shelve({ local: { path }, mountOptions: ['noatime'] });
    const target = '/pods/u1/volumes/kubernetes.io~local-volume/pv-1';
    expect(await prepare(pod(claimed, { fsGroup: process.getgid?.() ?? 0 }))).toEqual({ hostPath: root + target, readOnly: false });
    expect(bound).toEqual([`${target} noatime`]);
    expect(statSync(root + target).mode & 0o2770).toBe(0o2770);
  });

  it('of the local-path provisioner has its directory made, open to every user of the pod', async () => {
    const path = join(root, 'volumes', 'pvc-c1_ns_data');
    const volume = { annotations: { 'pv.kubernetes.io/provisioned-by': 'knarr.io/local-path' } };
    shelve({ local: { path } }, { volume });
    await prepare();
    expect(statSync(path).mode & 0o777).toBe(0o777);
    writeFileSync(join(path, 'kept'), 'x');
    await prepare();
    expect(existsSync(join(path, 'kept'))).toBe(true);
  });

  it.each(['/etc', 'volumes/../etc', 'volumes/a/pvc-1', 'volumes/.making-1'])('does not lead the node to %s', async (path) => {
    const volume = { annotations: { 'pv.kubernetes.io/provisioned-by': 'knarr.io/local-path' } };
    shelve({ local: { path: path.startsWith('/') ? path : `${root}/${path}` } }, { volume });
    await expect(prepare()).rejects.toThrow('is no directory of the local-path provisioner on this node');
    expect(bound).toEqual([]);
  });

  const waiting =
    'Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC';
  it.each([
    ['ns/data: PVC is not bound', () => shelve({}, { status: { phase: 'Pending' } })],
    ['ns/data: PVC is being deleted', () => shelve({}, { claim: { deletionTimestamp: '2026-01-01T00:00:00Z' } })],
    ['ns/data: failed to fetch PVC from API server: persistentvolumeclaims "data" not found', () => undefined],
    [
      'ns/data: found PV object pv-1 with a pv.Spec.ClaimRef.UID other that does not point to claim.UID c1',
      () => shelve({ claimRef: { namespace: 'ns', name: 'data', uid: 'other' } }),
    ],
  ])('keeps its pod waiting: %s', async (why, given) => {
    given();
    await expect(prepare()).rejects.toThrow(`${waiting} ${why}`);
    expect(events).toEqual([`Warning FailedMount: ${waiting} ${why}`]);
  });

  it('of an ephemeral volume must be the pod’s own', async () => {
    shelve({ hostPath: { path: '/srv' } }, { claim: { name: 'web-v' } });
    await expect(prepare(pod({ ephemeral: {} }))).rejects.toThrow('PVC ns/web-v was not created for pod ns/web (pod is not owner)');
    shelve({ hostPath: { path: '/srv' } }, { claim: { name: 'web-v', ownerReferences: [{ controller: true, uid: 'u1' }] } });
    expect(await prepare(pod({ ephemeral: {} }))).toMatchObject({ hostPath: '/srv' });
  });

  it.each<[string, object]>([
    ['MountVolume.SetUp failed for volume "pv-1" : volumeMode Block is not supported', { volumeMode: 'Block', local: { path: '/x' } }],
    ['MountVolume.SetUp failed for volume "pv-1" : volume source nfs is not supported', { nfs: { server: 's', path: '/' } }],
    [
      'MountVolume.NewMounter initialization failed for volume "pv-1" : path "/no/such/disk" does not exist',
      { local: { path: '/no/such/disk' } },
    ],
    [
      'MountVolume.NodeAffinity check failed for volume "pv-1" : no matching NodeSelectorTerms',
      {
        local: { path: '/x' },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2'] }] }] },
        },
      },
    ],
  ])('that cannot be mounted says: %s', async (message, spec) => {
    shelve(spec);
    await expect(prepare()).rejects.toThrow(message);
    expect(events).toEqual([`Warning FailedMount: ${message}`]);
  });
});

describe('removing a local path', () => {
  it('takes its directory and nothing that links in it lead to', async () => {
    const base = join(root, 'volumes');
    const outside = join(root, 'outside');
    mkdirSync(join(base, 'pvc-1', 'deep'), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(outside, 'kept'), 'x');
    symlinkSync(outside, join(base, 'pvc-1', 'deep', 'link'));
    await removeLocalPath(base, join(base, 'pvc-1'), abort.signal);
    expect([existsSync(join(base, 'pvc-1')), existsSync(join(outside, 'kept'))]).toEqual([false, true]);
    await removeLocalPath(base, join(base, 'pvc-1'), abort.signal);
  });

  it('removes the link when somebody put one in its place', async () => {
    const base = join(root, 'volumes');
    mkdirSync(base);
    const outside = join(root, 'outside');
    mkdirSync(join(outside, 'kept'), { recursive: true });
    symlinkSync(outside, join(base, 'pvc-2'));
    await removeLocalPath(base, join(base, 'pvc-2'), abort.signal);
    expect([existsSync(join(base, 'pvc-2')), existsSync(join(outside, 'kept'))]).toEqual([false, true]);
  });
});
