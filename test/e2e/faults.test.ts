/**
 * A cluster of its own, whose processes are killed in the middle of work, and which leaves nothing behind. By itself on purpose: it counts
 * what is on the machine.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ProcessError, run } from '../../src/base/index.ts';
import { buildToolboxImage } from './images.ts';
import { knarr } from './knarr.ts';
import { unavailable } from './kubectl.ts';
import { web } from './manifests.ts';

const name = `flt-${process.pid}`;

interface Status {
  readonly components: readonly {
    readonly name: string;
    readonly pid: number | null;
    readonly ready: boolean;
    readonly rssBytes: number;
    readonly version: string;
  }[];
  readonly nodes: readonly { readonly name: string; readonly ready: boolean }[];
}

/** What is on the machine that a cluster could leave behind. */
function inventory(): Record<string, string[]> {
  const lines = (program: string, args: readonly string[]): string[] =>
    execFileSync(program, args, { encoding: 'utf8' }).split('\n').filter(Boolean);
  const mentions = (all: readonly string[]): string[] => all.filter((line) => line.includes(name)).toSorted();
  const cgroups = lines('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-type', 'd']);
  return {
    mounts: mentions(readFileSync('/proc/self/mountinfo', 'utf8').split('\n')),
    namespaces: existsSync('/run/netns') ? mentions(readdirSync('/run/netns')) : [],
    interfaces: lines('ip', ['-o', 'link'])
      .map((line) => line.split(': ')[1]!.split('@')[0]!)
      .toSorted(),
    routes: lines('ip', ['-4', 'route', 'show', 'table', 'all']).toSorted(),
    tables: lines('nft', ['list', 'tables']).toSorted(),
    cgroups: mentions(cgroups),
    processes: lines('ps', ['-eo', 'args']).filter((line) => line.includes(name) && !line.includes('vitest')),
    shims: lines('ps', ['-eo', 'comm'])
      .filter((line) => line.startsWith('containerd'))
      .toSorted(),
    forward: [readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')],
  };
}

describe.skipIf(unavailable)('a cluster under faults', () => {
  let home: string;
  let before: Record<string, string[]>;
  const kubectl = async (...args: string[]): Promise<string> =>
    (await run([inject('kubectl'), '--kubeconfig', join(home, 'clusters', name, 'admin.kubeconfig'), ...args])).stdout;
  const status = async (): Promise<Status> => {
    try {
      return JSON.parse(await knarr(home, ['status', '-o', 'json', '--name', name])) as Status;
    } catch (error) {
      // Exit code 1 says that something is not ready.
      if (error instanceof ProcessError && error.exitCode === 1) return { components: [], nodes: [] };
      throw error;
    }
  };
  const whole = async (): Promise<boolean> => {
    const { components, nodes } = await status();
    return components.length === 3 && components.every(({ ready }) => ready) && nodes.every(({ ready }) => ready);
  };
  const containers = async (): Promise<string> =>
    kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.containerStatuses[0].containerID}');

  beforeAll(async () => {
    if (unavailable) return;
    before = inventory();
    home = mkdtempSync(join(tmpdir(), 'kn-'));
    await knarr(home, ['up', '--name', name, '--no-kubeconfig', '--wait']);
    await buildToolboxImage(home, name);
    await run([inject('kubectl'), '--kubeconfig', join(home, 'clusters', name, 'admin.kubeconfig'), 'apply', '-f', '-'], {
      input: web({ replicas: 2 }),
    });
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
  });
  afterAll(async () => {
    if (unavailable || !existsSync(home)) return;
    await knarr(home, ['delete', '--name', name]).catch(() => {});
    rmSync(home, { recursive: true, force: true });
  });

  test('status names components with pid, version and memory', async () => {
    const { components, nodes } = await status();
    expect(components.map((each) => each.name)).toEqual(['control-plane', 'agent-1', 'containerd-1']);
    for (const each of components)
      expect(each).toMatchObject({ ready: true, pid: expect.any(Number) as number, version: expect.stringMatching(/\d/) as string });
    expect(nodes).toMatchObject([{ name: `${name}-1`, ready: true }]);
  });

  test.each(['control-plane', 'agent-1', 'containerd-1'])(
    'kill -9 of %s in a rollout: it comes back, the rollout completes',
    async (victim) => {
      await kubectl('set', 'env', 'deployment/web', `VERSION=${victim}`);
      const { pid } = (await status()).components.find((each) => each.name === victim)!;
      process.kill(pid!, 'SIGKILL');
      await expect.poll(whole, { timeout: 60_000, interval: 200 }).toBe(true);
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
      expect((await status()).components.find((each) => each.name === victim)!.pid).not.toBe(pid);
    },
  );

  test('running containers are untouched by the deaths around them', async () => {
    const running = await containers();
    for (const victim of ['control-plane', 'agent-1', 'containerd-1']) {
      process.kill((await status()).components.find((each) => each.name === victim)!.pid!, 'SIGKILL');
      await expect.poll(whole, { timeout: 60_000, interval: 200 }).toBe(true);
    }
    expect(await containers()).toBe(running);
    expect(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.containerStatuses[0].restartCount}')).toBe(
      '0 0',
    );
  });

  test('down leaves nothing on the machine, up brings the workload back', async () => {
    await knarr(home, ['down', '--name', name]);
    expect(inventory()).toEqual(before);
    await knarr(home, ['up', '--name', name, '--no-kubeconfig']);
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
    await expect
      .poll(() => kubectl('get', 'pods', '-l', 'app=web', '--no-headers'), { timeout: 60_000 })
      .toMatch(/^(\S+ +1\/1 +Running.*\n){2}$/);
  });

  test('a second cluster stands beside the first', async () => {
    const other = `${name}-b`;
    await knarr(home, ['up', '--name', other, '--no-kubeconfig']);
    try {
      expect(await whole()).toBe(true);
      const second = JSON.parse(await knarr(home, ['status', '-o', 'json', '--name', other])) as Status;
      expect(second.nodes).toMatchObject([{ name: `${other}-1`, ready: true }]);
    } finally {
      await knarr(home, ['delete', '--name', other]);
    }
    expect(await whole()).toBe(true);
  });

  test('delete stops a running cluster and removes its state', async () => {
    await knarr(home, ['delete', '--name', name]);
    expect(inventory()).toEqual(before);
    expect(existsSync(join(home, 'clusters'))).toBe(false);
  });
});
