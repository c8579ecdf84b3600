import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../base/index.ts';
import { testPod } from '../pods/testing.ts';
import { createCgroupV1 } from './cgroup-v1.ts';
import { cpuWeight, createCgroupV2 } from './cgroup-v2.ts';
import { type CgroupTree, createPodCgroups, type GroupLimits } from './cgroups.ts';
import { parseCgroupMounts } from './detect.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kubelet-cgroups-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A directory that looks like a cgroup file system as far as writing goes. */
function fakeMount(name: string, files: Record<string, string> = {}): string {
  const mount = join(scratch, name);
  mkdirSync(mount);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(mount, file), text);
  return mount;
}

const read = (path: string): string => readFileSync(path, 'utf8');

it('version 1: each limit goes to its hierarchy, removal visits them all', async () => {
  const [cpu, memory, pids, freezer] = ['cpu', 'memory', 'pids', 'freezer'].map((name) => fakeMount(`v1-${name}`));
  const controllers = new Map([
    ['cpu', cpu!],
    ['memory', memory!],
    ['pids', pids!],
  ]);
  const tree = createCgroupV1({ controllers, all: [cpu!, memory!, pids!, freezer!] }, systemClock);
  tree.create('/a/b');
  tree.set('/a/b', { cpuShares: 512, cpuQuotaMicros: 50_000, cpuPeriodMicros: 100_000, memoryBytes: 4096, pids: 10 });
  expect(read(`${cpu}/a/b/cpu.shares`)).toBe('512');
  expect(read(`${cpu}/a/b/cpu.cfs_quota_us`)).toBe('50000');
  expect(read(`${memory}/a/b/memory.limit_in_bytes`)).toBe('4096');
  expect(read(`${pids}/a/b/pids.max`)).toBe('10');
  for (const file of [`${cpu}/a/b/cpu.shares`, `${cpu}/a/b/cpu.cfs_quota_us`, `${cpu}/a/b/cpu.cfs_period_us`]) rmSync(file);
  rmSync(`${memory}/a/b/memory.limit_in_bytes`);
  rmSync(`${pids}/a/b/pids.max`);
  // The engine makes groups where the kubelet does not.
  mkdirSync(`${freezer}/a/b/container`, { recursive: true });
  expect(tree.children('/a')).toEqual(['b']);
  await tree.remove('/a');
  for (const mount of [cpu, memory, pids, freezer]) expect(existsSync(`${mount}/a`)).toBe(false);
  await tree.remove('/a');
});

it('version 1: the working set is the usage less what can be dropped', () => {
  const memory = fakeMount('v1-usage');
  const tree = createCgroupV1({ controllers: new Map([['memory', memory]]), all: [memory] }, systemClock);
  expect(tree.workingSetBytes('/p')).toBeUndefined();
  mkdirSync(`${memory}/p`);
  writeFileSync(`${memory}/p/memory.usage_in_bytes`, '1000\n');
  writeFileSync(`${memory}/p/memory.stat`, 'cache 5\ntotal_inactive_file 300\n');
  expect(tree.workingSetBytes('/p')).toBe(700);
  expect(tree.limitsSwap('/p')).toBe(false);
  writeFileSync(`${memory}/p/memory.memsw.limit_in_bytes`, '9\n');
  expect(tree.limitsSwap('/p')).toBe(true);
});

it('version 2: controllers are handed down on the way', () => {
  const mount = fakeMount('v2', { 'cgroup.controllers': 'cpu memory io', 'cgroup.subtree_control': 'cpu' });
  const tree = createCgroupV2(mount, systemClock);
  tree.create('/a/b');
  // Each write asks for one controller; the last one is what a plain file keeps.
  expect(read(`${mount}/cgroup.subtree_control`)).toBe('+memory');
  tree.set('/a/b', { cpuShares: 1024, cpuQuotaMicros: 20_000, memoryBytes: -1, pids: 5 });
  expect(read(`${mount}/a/b/cpu.weight`)).toBe('39');
  expect(read(`${mount}/a/b/cpu.max`)).toBe('20000 100000');
  expect(read(`${mount}/a/b/memory.max`)).toBe('max');
  expect(read(`${mount}/a/b/pids.max`)).toBe('5');
  expect(tree.limitsSwap('/a')).toBe(false);
  writeFileSync(join(mount, 'a/memory.swap.max'), 'max\n');
  expect(tree.limitsSwap('/a')).toBe(true);
});

it('shares become weights', () => {
  expect([2, 1024, 262_144].map(cpuWeight)).toEqual([1, 39, 10_000]);
});

describe('the mount table', () => {
  it('of a hybrid system', () => {
    const { v1, v2 } = parseCgroupMounts(
      `tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
`,
    );
    expect(v1.controllers.get('cpu')).toBe('/sys/fs/cgroup/cpu,cpuacct');
    expect(v1.controllers.get('memory')).toBe('/sys/fs/cgroup/memory');
    expect(v1.all).toContain('/sys/fs/cgroup/unified');
    expect(v2).toBe('/sys/fs/cgroup/unified');
  });
  it('of a system with version 2 only', () => {
    const { v1, v2 } = parseCgroupMounts('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n');
    expect(v1.controllers.has('memory')).toBe(false);
    expect(v2).toBe('/sys/fs/cgroup');
  });
});

it('pods stand below their class, and are found and removed by uid', async () => {
  const groups = new Map<string, GroupLimits>();
  const tree: CgroupTree = {
    version: 2,
    create: (path) => void groups.set(path, {}),
    set: (path, limits) => void groups.set(path, limits),
    remove: (path) => {
      groups.delete(path);
      return Promise.resolve();
    },
    children: (path) =>
      [...groups.keys()].filter((each) => each.startsWith(`${path}/`)).map((each) => each.slice(path.length + 1).split('/')[0]!),
    limitsSwap: () => false,
    workingSetBytes: () => undefined,
  };
  const cgroups = createPodCgroups(tree, '/knarr-x/n1');
  cgroups.prepare({ cpuMillis: 2000, memoryBytes: 4096 });
  expect(groups.get('/knarr-x/n1/kubepods')).toEqual({ cpuShares: 2048, memoryBytes: 4096 });
  const requests = { memory: '1Mi' };
  const burstable = testPod({ containers: [{ name: 'main', resources: { requests } }] }, { uid: 'b' });
  const guaranteed = testPod(
    { containers: [{ name: 'main', resources: { requests: { cpu: '1', memory: '1Mi' }, limits: { cpu: '1', memory: '1Mi' } } }] },
    { uid: 'g' },
  );
  expect(cgroups.path(testPod({}, { uid: 'e' }))).toBe('/knarr-x/n1/kubepods/besteffort/pode');
  expect(cgroups.path(burstable)).toBe('/knarr-x/n1/kubepods/burstable/podb');
  expect(cgroups.path(guaranteed)).toBe('/knarr-x/n1/kubepods/podg');
  cgroups.ensure(burstable, { cpuShares: 2, cpuQuotaMicros: undefined, cpuPeriodMicros: 100_000, memoryBytes: undefined, pids: 9 });
  cgroups.balance([burstable, guaranteed, testPod({ containers: [{ name: 'main', resources: { requests: { cpu: '250m' } } }] })]);
  expect(groups.get('/knarr-x/n1/kubepods/burstable')).toEqual({ cpuShares: 256 });
  expect([...cgroups.knownPods()]).toEqual(['b']);
  await cgroups.release('b');
  expect([...cgroups.knownPods()]).toEqual([]);
});
