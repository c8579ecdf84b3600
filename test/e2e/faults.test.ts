/** A cluster of its own, whose processes are killed one after the other in the middle of work. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/index.ts';
import { buildToolboxImage } from './images.ts';
import { unavailable } from './kubectl.ts';
import { web } from './manifests.ts';
import { OwnCluster } from './own-cluster.ts';

/** A restart waits 0.1 s to 10 s; this many of them in a minute are still among the short ones. */
const promptMs = 10_000;

describe.skipIf(unavailable)('a cluster under faults', () => {
  let cluster: OwnCluster;
  /** The pods that nobody rolls out or kills: they must never notice anything. */
  let bystanders: string;
  const rolledOut = (): Promise<string> => cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `f${process.pid}` });
    await cluster.up('--wait');
    await buildToolboxImage(cluster.home, cluster.name);
    await cluster.kubectl(['apply', '-f', '-'], web({ replicas: 2 }));
    await cluster.kubectl(['apply', '-f', '-'], web({ replicas: 2, name: 'still' }));
    await rolledOut();
    await cluster.kubectl(['rollout', 'status', 'deployment/still', '--timeout=60s']);
    bystanders = await cluster.containers('app=still');
    expect(bystanders).toMatch(/^(still-\S+ containerd:\/\/[0-9a-f]{64} 0\n){2}$/);
  });
  afterAll(() => cluster?.remove());

  test('status names components with pid, version and memory', async () => {
    const { components, nodes } = await cluster.status();
    expect(components.map((each) => each.name)).toEqual(['control-plane', 'agent-1', 'containerd-1']);
    for (const each of components)
      expect(each).toMatchObject({ ready: true, pid: expect.any(Number) as number, version: expect.stringMatching(/\d/) as string });
    expect(nodes).toMatchObject([{ name: `${cluster.name}-1`, ready: true }]);
  });

  test.each(['control-plane', 'agent-1', 'containerd-1'])(
    'kill -9 of %s in a rollout: it comes back at once, the rollout completes, other containers run on',
    async (victim) => {
      const pid = await cluster.pid(victim);
      await cluster.kubectl(['set', 'env', 'deployment/web', `VERSION=${victim}`]);
      process.kill(pid, 'SIGKILL');
      const killedAt = systemClock.monotonic();
      await expect
        .poll(async () => (await cluster.status()).components.find(({ name }) => name === victim)?.pid ?? pid, { timeout: 30_000 })
        .not.toBe(pid);
      expect(systemClock.monotonic() - killedAt).toBeLessThan(promptMs);
      await expect.poll(() => cluster.whole(), { timeout: 30_000 }).toBe(true);
      await rolledOut();
      expect(await cluster.containers('app=still')).toBe(bystanders);
    },
  );

  test('nodes, watches and new work go on after the control plane was killed under a kubectl that watches', async () => {
    const watching = cluster.kubectl(['get', 'pods', '-w', '--no-headers']);
    process.kill(await cluster.pid('control-plane'), 'SIGKILL');
    // The stream ends with the server, as with any other; the command says what it saw until then.
    expect(await watching.catch((error: unknown) => String(error))).toContain('still-');
    await expect.poll(() => cluster.whole(), { timeout: 30_000 }).toBe(true);
    await cluster.kubectl(['scale', 'deployment/web', '--replicas=3']);
    await rolledOut();
    await cluster.kubectl(['scale', 'deployment/web', '--replicas=2']);
    await expect
      .poll(() => cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name']), { timeout: 30_000 })
      .toMatch(/^(pod\S+\n){2}$/);
    expect(await cluster.containers('app=still')).toBe(bystanders);
  });

  test.each([
    ['pause process', /^\/pause$/],
    ['shim', /containerd-shim/],
  ])('kill -9 of the %s of a pod: the pod comes back, its neighbours do not notice', async (_, program) => {
    const pod = await cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}']);
    const sandbox = await cluster.sandbox(pod);
    const victims = processesOfSandbox(sandbox).filter(({ command }) => program.test(command));
    expect(victims).toHaveLength(1);
    process.kill(victims[0]!.pid, 'SIGKILL');
    await expect.poll(() => cluster.sandbox(pod), { timeout: 30_000 }).toMatch(new RegExp(`^(?!${sandbox})[0-9a-f]+$`));
    await cluster.kubectl(['wait', `pod/${pod}`, '--for=condition=Ready', '--timeout=30s']);
    expect(await cluster.kubectl(['get', 'pods', '-l', 'app=web', '--no-headers'])).toMatch(/^(\S+ +1\/1 +Running .*\n){2}$/);
    expect(await cluster.containers('app=still')).toBe(bystanders);
  });

  test('up on a running cluster is harmless', async () => {
    const before = (await cluster.status()).components.map(({ pid }) => pid);
    await cluster.up();
    expect((await cluster.status()).components.map(({ pid }) => pid)).toEqual(before);
    expect(await cluster.containers('app=still')).toBe(bystanders);
  });

  test('up after everything was killed at once finds the containers that ran on', async () => {
    for (const { pid } of (await cluster.status()).components) process.kill(pid!, 'SIGKILL');
    await cluster.up();
    await expect.poll(() => cluster.whole(), { timeout: 30_000 }).toBe(true);
    expect(await cluster.containers('app=still')).toBe(bystanders);
    await cluster.kubectl(['rollout', 'restart', 'deployment/web']);
    await rolledOut();
  });
});

/** The shim that holds a sandbox, and the sandbox's first process. */
function processesOfSandbox(sandbox: string): { readonly pid: number; readonly command: string }[] {
  const script = `grep -l ${sandbox} /proc/[0-9]*/cgroup /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | sort -u | xargs -r ps -o pid=,args= -p`;
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, command] = /^ *(\d+) (.*)$/.exec(line) ?? [];
    return pid && command ? [{ pid: Number(pid), command }] : [];
  });
}
