import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError, type corev1, corev1Resources, type JsonObject } from '../../api/index.ts';
import { formatTime, ProcessError, run, seededRandom, silentLogger, VirtualClock } from '../../base/index.ts';
import { referencedObjects } from '../environment/index.ts';
import { ObjectShelf } from '../environment/object-shelf.suite.ts';
import type { PodLookup, PreparedVolume, VolumeManager } from '../seams.ts';
import { VolumeError } from '../seams.ts';
import type { Mounter } from './mounter.ts';
import { systemMounter } from './mounter.ts';
import { createVolumeManager } from './volume-manager.ts';

let root: string;
let shelf: ObjectShelf;
let clock: VirtualClock;
let events: string[];
let abort: AbortController;
let livePods: corev1.Pod[];

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'kubelet-volumes-')));
  shelf = new ObjectShelf();
  clock = new VirtualClock();
  events = [];
  abort = new AbortController();
  livePods = [];
  shelf.put(corev1Resources.configmaps, {
    metadata: { namespace: 'ns', name: 'cm' },
    data: { a: '1', b: '2' },
    binaryData: { bin: 'AAEC' },
  });
  shelf.put(corev1Resources.secrets, {
    metadata: { namespace: 'ns', name: 'sec' },
    data: { key: Buffer.from('s3cret').toString('base64') },
  });
});
afterEach(async () => {
  abort.abort();
  await referencedObjects(deps()).close();
  await systemMounter.unmountAll(root, new AbortController().signal);
  rmSync(root, { recursive: true, force: true });
});

/** Records instead of mounting: what lies on the tmpfs lies in the directory then. */
class PretendMounter implements Mounter {
  readonly mounted: string[] = [];

  mountTmpfs(directory: string, { sizeBytes }: { sizeBytes: number }): Promise<void> {
    this.mounted.push(`tmpfs ${directory.slice(root.length)} ${sizeBytes}`);
    return Promise.resolve();
  }

  bindDescriptor(_descriptor: number, target: string): Promise<void> {
    this.mounted.push(`bind ${target.slice(root.length)}`);
    return Promise.resolve();
  }

  unmountAll(directory: string): Promise<void> {
    this.mounted.push(`unmount ${directory.slice(root.length)}`);
    return Promise.resolve();
  }

  mountsBelow(): readonly string[] {
    return [];
  }
}

function deps() {
  return {
    client: shelf.client,
    clock,
    random: seededRandom(1),
    log: silentLogger,
    recorder: {
      event: (_object: unknown, event: { reason: string; message: string }) => void events.push(`${event.reason}: ${event.message}`),
    },
    runtime: undefined as never,
    images: undefined as never,
    nodeName: 'n1',
    rootDir: root,
    pods: { list: () => livePods } as unknown as PodLookup,
    nodeAllocatable: () => ({ cpu: '2', memory: '1Gi' }),
    hostIps: () => [],
    refreshMs: 60_000,
  };
}

const manager = (mounter: Mounter = new PretendMounter()): VolumeManager => createVolumeManager(deps(), mounter);
const ctx = () => ({ signal: abort.signal, log: silentLogger });

function podWith(volumes: readonly corev1.Volume[], extra: object = {}, metadata: object = {}): corev1.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name: 'web', uid: 'u1', labels: { app: 'x' }, annotations: { note: 'hi' }, ...metadata },
    spec: {
      serviceAccountName: 'robot',
      containers: [
        { name: 'app', volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/${name}` })), resources: { limits: { cpu: '500m' } } },
      ],
      volumes,
      ...extra,
    },
  } as unknown as corev1.Pod;
}

async function prepare(volume: Omit<corev1.Volume, 'name'>, extra: object = {}, volumes = manager()): Promise<PreparedVolume> {
  const prepared = await volumes.prepare(podWith([{ name: 'v', ...volume }], extra), ctx());
  return prepared.get('v')!;
}

const list = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('..'))
    .sort();
const text = (volume: PreparedVolume, name: string): string => readFileSync(join(volume.hostPath!, name), 'utf8');
const mode = (volume: PreparedVolume, name: string): number => statSync(join(volume.hostPath!, name)).mode & 0o777;

describe('a configMap volume', () => {
  it('holds all keys, text and binary, read-only, where upstream puts it', async () => {
    const volume = await prepare({ configMap: { name: 'cm', defaultMode: 0o400 } });
    expect(volume).toEqual({ hostPath: join(root, 'pods/u1/volumes/kubernetes.io~configmap/v'), readOnly: true });
    expect(list(volume.hostPath!)).toEqual(['a', 'b', 'bin']);
    expect(text(volume, 'a')).toBe('1');
    expect(readFileSync(join(volume.hostPath!, 'bin'))).toEqual(Buffer.from([0, 1, 2]));
    expect(mode(volume, 'a')).toBe(0o400);
    expect(statSync(volume.hostPath!).mode & 0o777).toBe(0o777);
  });

  it('holds chosen keys at chosen paths with chosen modes', async () => {
    const items = [
      { key: 'a', path: 'deep/er/one', mode: 0o600 },
      { key: 'b', path: 'two' },
    ];
    const volume = await prepare({ configMap: { name: 'cm', items } });
    expect(list(volume.hostPath!)).toEqual(['deep', 'two']);
    expect(text(volume, 'deep/er/one')).toBe('1');
    expect(mode(volume, 'deep/er/one')).toBe(0o600);
    expect(mode(volume, 'two')).toBe(0o644);
  });

  it.each<[string, corev1.ConfigMapVolumeSource]>([
    ['configmap "none" not found', { name: 'none' }],
    ['configmap references non-existent config key: zz', { name: 'cm', items: [{ key: 'zz', path: 'p' }] }],
    ["invalid path: must not contain '..': ../x", { name: 'cm', items: [{ key: 'a', path: '../x' }] }],
  ])('fails with %j and tells it in an event', async (message, configMap) => {
    await expect(prepare({ configMap })).rejects.toThrow(VolumeError);
    expect(events).toEqual([`FailedMount: MountVolume.SetUp failed for volume "v" : ${message}`]);
  });

  it('is empty when it is optional and not there', async () => {
    const volume = await prepare({ configMap: { name: 'none', optional: true } });
    expect(list(volume.hostPath!)).toEqual([]);
    const partial = await prepare({
      configMap: {
        name: 'cm',
        optional: true,
        items: [
          { key: 'zz', path: 'p' },
          { key: 'a', path: 'q' },
        ],
      },
    });
    expect(list(partial.hostPath!)).toEqual(['q']);
  });

  it('follows the object, atomically, without being asked', async () => {
    const volumes = manager();
    volumes.start(ctx());
    const volume = await prepare({ configMap: { name: 'cm' } }, {}, volumes);
    const before = readlinkSync(join(volume.hostPath!, '..data'));
    shelf.put(corev1Resources.configmaps, { metadata: { namespace: 'ns', name: 'cm' }, data: { a: 'new', c: '3' } });
    await clock.advance(10);
    expect(list(volume.hostPath!)).toEqual(['a', 'c']);
    expect(text(volume, 'a')).toBe('new');
    expect(readlinkSync(join(volume.hostPath!, '..data'))).not.toBe(before);
  });

  it('goes on being followed by a kubelet that was restarted', async () => {
    const volume = await prepare({ configMap: { name: 'cm' } });
    await referencedObjects(deps()).close();
    livePods = [podWith([{ name: 'v', configMap: { name: 'cm' } }])];
    shelf.put(corev1Resources.configmaps, { metadata: { namespace: 'ns', name: 'cm' }, data: { a: 'meanwhile' } });
    manager().start(ctx());
    await clock.advance(1_000);
    expect(text(volume, 'a')).toBe('meanwhile');
  });
});

describe('a secret volume', () => {
  it('lies in memory no larger than the node, or than the pod may be', async () => {
    const mounter = new PretendMounter();
    const volume = await prepare({ secret: { secretName: 'sec' } }, {}, manager(mounter));
    expect(text(volume, 'key')).toBe('s3cret');
    expect(mounter.mounted).toEqual([`tmpfs /pods/u1/volumes/kubernetes.io~secret/v ${2 ** 30}`]);
  });

  it('says which secret or key is missing', async () => {
    await expect(prepare({ secret: { secretName: 'none' } })).rejects.toThrow('secret "none" not found');
    await expect(prepare({ secret: { secretName: 'sec', items: [{ key: 'zz', path: 'p' }] } })).rejects.toThrow(
      'references non-existent secret key: zz',
    );
  });
});

describe('a downward API volume', () => {
  const downwardAPI = {
    items: [
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'note', fieldRef: { fieldPath: "metadata.annotations['note']" }, mode: 0o400 },
      { path: 'cpu', resourceFieldRef: { containerName: 'app', resource: 'limits.cpu', divisor: '1m' } },
      { path: 'memory', resourceFieldRef: { containerName: 'app', resource: 'limits.memory' } },
    ],
  };

  it('holds fields and resources of the pod', async () => {
    const volume = await prepare({ downwardAPI });
    expect(text(volume, 'labels')).toBe('app="x"');
    expect(text(volume, 'note')).toBe('hi');
    expect(mode(volume, 'note')).toBe(0o400);
    expect(text(volume, 'cpu')).toBe('500');
    expect(text(volume, 'memory')).toBe(String(2 ** 30));
  });

  it('follows labels and annotations', async () => {
    const volumes = manager();
    volumes.start(ctx());
    const volume = await prepare({ downwardAPI }, {}, volumes);
    volumes.podUpdated(podWith([{ name: 'v', downwardAPI }], {}, { labels: { app: 'y', 'b/c': 'z' } }));
    await clock.advance(10);
    expect(text(volume, 'labels')).toBe('app="y"\nb/c="z"');
  });
});

describe('a projected volume', () => {
  const sources = [
    { configMap: { name: 'cm', items: [{ key: 'a', path: 'ca.crt' }] } },
    { secret: { name: 'sec' } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    { serviceAccountToken: { path: 'token', expirationSeconds: 3600, audience: 'vault' } },
  ];
  let asked: JsonObject[];

  beforeEach(() => {
    asked = [];
    shelf.subresource = (request) => {
      asked.push(request.body as JsonObject);
      return { status: { token: `token-${asked.length}`, expirationTimestamp: formatTime(clock.now() + 3_600_000) } };
    };
  });

  it('joins its sources, with a token bound to the pod', async () => {
    const volume = await prepare({ projected: { sources, defaultMode: 0o644 } });
    expect(list(volume.hostPath!)).toEqual(['ca.crt', 'key', 'namespace', 'token']);
    expect(text(volume, 'token')).toBe('token-1');
    expect(mode(volume, 'token')).toBe(0o644);
    expect(asked[0]).toMatchObject({
      spec: { audiences: ['vault'], expirationSeconds: 3600, boundObjectRef: { kind: 'Pod', name: 'web', uid: 'u1' } },
    });
  });

  it('renews a token at 80 % of its life and keeps it until then', async () => {
    const volumes = manager();
    volumes.start(ctx());
    const volume = await prepare({ projected: { sources } }, {}, volumes);
    await clock.advance(0.78 * 3_600_000);
    expect(text(volume, 'token')).toBe('token-1');
    await clock.advance(0.04 * 3_600_000);
    expect(text(volume, 'token')).toBe('token-2');
  });

  it('keeps a token that is still valid while the API server is away', async () => {
    const volumes = manager();
    volumes.start(ctx());
    const volume = await prepare({ projected: { sources } }, {}, volumes);
    shelf.subresource = () => {
      throw new Error('connection refused');
    };
    await clock.advance(0.95 * 3_600_000);
    expect(text(volume, 'token')).toBe('token-1');
    expect(events).toEqual([]);
    await clock.advance(0.1 * 3_600_000);
    expect(events[0]).toBe('FailedMount: MountVolume.SetUp failed for volume "v" : connection refused');
  });

  it('names every source that failed', async () => {
    shelf.subresource = () => {
      throw new ApiError({ code: 404, reason: 'NotFound', message: 'serviceaccounts "robot" not found' });
    };
    const failing = [{ configMap: { name: 'none' } }, { secret: { name: 'none' } }, sources[3]!, { clusterTrustBundle: { path: 'x' } }];
    await expect(prepare({ projected: { sources: failing } })).rejects.toThrow(
      'MountVolume.SetUp failed for volume "v" : [configmap "none" not found, secret "none" not found, ' +
        'failed to fetch token: serviceaccounts "robot" not found, projected volume source clusterTrustBundle is not supported]',
    );
  });
});

describe('a hostPath volume', () => {
  beforeEach(() => {
    mkdirSync(join(root, 'host'));
    writeFileSync(join(root, 'host/file'), '');
  });

  it.each<[string, string, string | undefined]>([
    ['Directory', 'host', undefined],
    ['Directory', 'host/file', 'is not a directory'],
    ['Directory', 'host/none', 'is not a directory'],
    ['File', 'host/file', undefined],
    ['File', 'host', 'is not a file'],
    ['Socket', 'host/file', 'is not a socket file'],
    ['CharDevice', 'host/file', 'is not a character device'],
    ['BlockDevice', 'host/file', 'is not a block device'],
    ['DirectoryOrCreate', 'host/new/deep', undefined],
    ['DirectoryOrCreate', 'host/file', 'is not a directory'],
    ['FileOrCreate', 'host/newfile', undefined],
    ['FileOrCreate', 'host', 'is not a file'],
    ['', 'host/anything', undefined],
  ])('of type %j at %s', async (type, path, failure) => {
    const hostPath = { path: join(root, path), type } as corev1.HostPathVolumeSource;
    if (failure === undefined) {
      expect(await prepare({ hostPath })).toEqual({ hostPath: hostPath.path, readOnly: false });
      if (type !== '') expect(existsSync(hostPath.path)).toBe(true);
    } else {
      await expect(prepare({ hostPath })).rejects.toThrow(`hostPath type check failed: ${hostPath.path} ${failure}`);
    }
  });
});

describe('an emptyDir volume', () => {
  it('is writable by all, and stays as containers left it', async () => {
    const volumes = manager();
    const volume = await prepare({ emptyDir: {} }, {}, volumes);
    expect(volume.readOnly).toBe(false);
    expect(statSync(volume.hostPath!).mode & 0o777).toBe(0o777);
    chmodSync(volume.hostPath!, 0o700);
    await prepare({ emptyDir: {} }, {}, volumes);
    expect(statSync(volume.hostPath!).mode & 0o777).toBe(0o700);
  });

  it.each([
    [{ medium: 'Memory' }, 2 ** 30],
    [{ medium: 'Memory', sizeLimit: '10Mi' }, 10 * 2 ** 20],
    [{ medium: 'Memory', sizeLimit: '100Gi' }, 2 ** 30],
  ])('in memory %j has %d bytes', async (emptyDir, size) => {
    const mounter = new PretendMounter();
    await prepare({ emptyDir }, {}, manager(mounter));
    expect(mounter.mounted).toEqual([`tmpfs /pods/u1/volumes/kubernetes.io~empty-dir/v ${size}`]);
  });
});

describe('volumes of a pod', () => {
  it('that no container mounts are not made', async () => {
    const pod = podWith([{ name: 'v', configMap: { name: 'none' } }]);
    const unused = { ...pod, spec: { ...pod.spec, containers: [{ name: 'app' }] } } as corev1.Pod;
    expect((await manager().prepare(unused, ctx())).size).toBe(0);
  });

  it.each<[string, Omit<corev1.Volume, 'name'>]>([
    ['csi', { csi: { driver: 'd' } }],
    ['nfs', { nfs: { server: 's', path: '/p' } }],
  ])('from %s are refused by name', async (source, volume) => {
    await expect(prepare(volume)).rejects.toThrow(`volume source ${source} is not supported`);
  });

  it('of an image are left to the engine', async () => {
    expect(await prepare({ image: { reference: 'a/b:1' } })).toEqual({
      readOnly: true,
      image: { reference: 'a/b:1', pullPolicy: 'IfNotPresent' },
    });
  });

  it.skipIf(process.getuid?.() !== 0)('belong to the fsGroup (root only)', async () => {
    const securityContext = { fsGroup: 4321 };
    const empty = await prepare({ emptyDir: {} }, { securityContext });
    expect(statSync(empty.hostPath!)).toMatchObject({ gid: 4321 });
    expect(statSync(empty.hostPath!).mode & 0o7777).toBe(0o2777);
    const config = await prepare({ configMap: { name: 'cm', defaultMode: 0o400 } }, { securityContext });
    expect(statSync(join(config.hostPath!, 'a'))).toMatchObject({ gid: 4321 });
    expect(mode(config, 'a')).toBe(0o440);
  });

  it('are gone after release, and nothing is made any more', async () => {
    const volumes = manager();
    volumes.start(ctx());
    await prepare({ configMap: { name: 'cm' } }, {}, volumes);
    expect([...volumes.knownPods()]).toEqual(['u1']);
    await volumes.release('u1', ctx());
    expect([...volumes.knownPods()]).toEqual([]);
    expect(existsSync(join(root, 'pods/u1'))).toBe(false);
    shelf.put(corev1Resources.configmaps, { metadata: { namespace: 'ns', name: 'cm' }, data: {} });
    await clock.advance(120_000);
    expect(existsSync(join(root, 'pods/u1'))).toBe(false);
    expect(shelf.watches).toBe(1);
    await volumes.release('u1', ctx());
  });

  it('left behind by an earlier life are known and can be released', async () => {
    mkdirSync(join(root, 'pods/old/volumes/kubernetes.io~empty-dir/v'), { recursive: true });
    writeFileSync(join(root, 'pods/old/etc-hosts'), 'kept by others');
    symlinkSync('/etc', join(root, 'pods/old/volumes/kubernetes.io~empty-dir/v/link'));
    const volumes = manager();
    expect([...volumes.knownPods()]).toEqual(['old']);
    await volumes.release('old', ctx());
    expect(readdirSync(join(root, 'pods/old'))).toEqual(['etc-hosts']);
    expect(existsSync('/etc/passwd')).toBe(true);
  });
});

describe.skipIf(process.getuid?.() !== 0)('with real mounts (root only)', () => {
  /** True when this machine lets root mount. */
  async function mayMount(): Promise<boolean> {
    mkdirSync(join(root, 'try'));
    try {
      await systemMounter.mountTmpfs(join(root, 'try'), { sizeBytes: 4096 }, abort.signal);
      return true;
    } catch (error) {
      if (error instanceof ProcessError) return false;
      throw error;
    }
  }

  const mount = (pod: corev1.Pod, subPath: string, mountIndex = 0) => ({ pod, containerName: 'app', mountIndex, volumeName: 'v', subPath });

  it('memory is limited, secrets are in it, and release leaves no mount', async ({ skip }) => {
    if (!(await mayMount())) skip('this machine does not let root mount');
    const volumes = manager(systemMounter);
    const secret = await prepare({ secret: { secretName: 'sec' } }, {}, volumes);
    expect(statSync(secret.hostPath!).dev).not.toBe(statSync(root).dev);
    const pod = podWith([{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } }], {}, { uid: 'u2' });
    const memory = (await volumes.prepare(pod, ctx())).get('v')!;
    expect(() => writeFileSync(join(memory.hostPath!, 'large'), Buffer.alloc(1 << 20))).toThrow('ENOSPC');
    await volumes.release('u1', ctx());
    await volumes.release('u2', ctx());
    expect(systemMounter.mountsBelow(join(root, 'pods'))).toEqual([]);
  });

  it('a subPath is made, bound and pinned', async ({ skip }) => {
    if (!(await mayMount())) skip('this machine does not let root mount');
    const volumes = manager(systemMounter);
    const pod = podWith([{ name: 'v', emptyDir: {} }]);
    const volume = (await volumes.prepare(pod, ctx())).get('v')!;
    const bound = await volumes.resolveSubPath(mount(pod, 'data/deep'), ctx());
    expect(bound).toBe(join(root, 'pods/u1/volume-subpaths/v/app/0'));
    writeFileSync(join(bound, 'file'), 'through the bind');
    expect(readFileSync(join(volume.hostPath!, 'data/deep/file'), 'utf8')).toBe('through the bind');
    expect(statSync(join(volume.hostPath!, 'data')).mode & 0o777).toBe(0o777);
    // The same again is the same mount; a file is bound as a file.
    expect(await volumes.resolveSubPath(mount(pod, 'data/deep'), ctx())).toBe(bound);
    expect(systemMounter.mountsBelow(bound)).toEqual([bound]);
    const file = await volumes.resolveSubPath(mount(pod, 'data/deep/file', 1), ctx());
    expect(readFileSync(file, 'utf8')).toBe('through the bind');
    // What stood there is pinned when a container puts something else in its place.
    rmSync(join(volume.hostPath!, 'data'), { recursive: true });
    symlinkSync('/etc', join(volume.hostPath!, 'data'));
    expect(readdirSync(bound)).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('through the bind');
    await volumes.release('u1', ctx());
    expect(systemMounter.mountsBelow(join(root, 'pods'))).toEqual([]);
    expect(existsSync(join(root, 'pods/u1'))).toBe(false);
  });

  it('a subPath of a configMap follows its links inside of the volume', async ({ skip }) => {
    if (!(await mayMount())) skip('this machine does not let root mount');
    const volumes = manager(systemMounter);
    const pod = podWith([{ name: 'v', configMap: { name: 'cm' } }]);
    await volumes.prepare(pod, ctx());
    expect(readFileSync(await volumes.resolveSubPath(mount(pod, 'a'), ctx()), 'utf8')).toBe('1');
  });

  it.each(['escape', 'escape/passwd', 'dangling', 'dangling/x'])(
    'a subPath %s that leads out of the volume is refused',
    async (subPath) => {
      const volumes = manager(systemMounter);
      const pod = podWith([{ name: 'v', emptyDir: {} }]);
      const volume = (await volumes.prepare(pod, ctx())).get('v')!;
      symlinkSync('/etc', join(volume.hostPath!, 'escape'));
      symlinkSync(join(root, 'made-by-kubelet'), join(volume.hostPath!, 'dangling'));
      await expect(volumes.resolveSubPath(mount(pod, subPath), ctx())).rejects.toThrow(
        /^failed to (prepare subPath|create subPath directory) for volumeMount "v" of container "app"$/,
      );
      expect(lstatSync(join(root, 'made-by-kubelet'), { throwIfNoEntry: false })).toBeUndefined();
      expect(systemMounter.mountsBelow(join(root, 'pods'))).toEqual([]);
    },
  );

  it('nothing is removed while something is mounted below', async ({ skip }) => {
    if (!(await mayMount())) skip('this machine does not let root mount');
    const volumes = manager(systemMounter);
    const pod = podWith([{ name: 'v', emptyDir: {} }]);
    const volume = (await volumes.prepare(pod, ctx())).get('v')!;
    // As a container with Bidirectional propagation leaves it.
    mkdirSync(join(root, 'precious'));
    writeFileSync(join(root, 'precious/file'), 'kept');
    mkdirSync(join(volume.hostPath!, 'bound'));
    await run(['mount', '--bind', join(root, 'precious'), join(volume.hostPath!, 'bound')]);
    await volumes.release('u1', ctx());
    expect(readFileSync(join(root, 'precious/file'), 'utf8')).toBe('kept');
    expect(existsSync(join(root, 'pods/u1'))).toBe(false);
  });
});
