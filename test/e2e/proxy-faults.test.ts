/**
 * What becomes of traffic to Services when something dies or somebody meddles: eight clients ask all the time, and nobody who has a living
 * endpoint may notice.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/base/index.ts';
import { buildNetexecImage } from './images.ts';
import { unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';
import { Administrator, onNode, serve, type ServerPod, startServers, SteadyClients } from './steady-clients.ts';

const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
/** Beside one whose endpoint stays. */
const movingSlices = Array.from({ length: 8 }, (_, at) => `changes-comes-and-goes-${at}`);
const limit = { timeout: 60_000, interval: 100 };
const kill = (pid: number): boolean => process.kill(pid, 'SIGKILL');
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(unavailable)('Services under faults', () => {
  let cluster: OwnCluster;
  let admin: Administrator;
  let pods: ServerPod[];
  const targets: Record<string, string> = {};

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `p${process.pid}` });
    await cluster.up('--nodes', '3', '--wait');
    await buildNetexecImage(cluster.home, cluster.name);
    pods = await startServers(cluster, [1, 2, 3]);
    admin = new Administrator(cluster);
    targets['stays'] = await serve(admin, 'stays', { app: 'server' });
    targets['changes'] = await serve(admin, 'changes');
    await putSlice('changes-stays', [pods[0]!]);
    for (const name of movingSlices) await putSlice(name, [pods[1]!, pods[2]!]);
    await reachedFromAll('stays', ['pod-1', 'pod-2', 'pod-3']);
    await reachedFromAll('changes', ['pod-1', 'pod-2', 'pod-3']);
  });
  afterAll(async () => {
    await admin?.[Symbol.asyncDispose]();
    await cluster?.remove();
  });

  const endpointsOf = (servers: readonly ServerPod[]) => servers.map(({ ip }) => ({ addresses: [ip], conditions: { ready: true } }));

  function putSlice(name: string, servers: readonly ServerPod[]): Promise<unknown> {
    return admin.send('POST', slices, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': 'changes' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: endpointsOf(servers),
    });
  }

  const moveSlice = (name: string, servers: readonly ServerPod[]): Promise<unknown> =>
    admin.send('PATCH', `${slices}/${name}`, { endpoints: endpointsOf(servers) });

  async function reachedFromAll(target: string, names: readonly string[]): Promise<void> {
    for (const pod of pods) {
      using clients = askFrom(pod, 1);
      await vi.waitFor(() => expect(clients.answered(target, Date.now() - 2_000)).toEqual(names), limit);
    }
  }

  const askFrom = (pod: ServerPod, clients: number): SteadyClients => SteadyClients.start(pod, targets, clients);

  /** Endpoints come and go this many times a second until it is stopped, in slices side by side. @returns how many times it was */
  function churn(perSecond: number): { stop(): Promise<number> } {
    const stop = new AbortController();
    const states = [[pods[1]!], [], [pods[2]!, pods[1]!], [pods[2]!]];
    const work = async (slice: string): Promise<number> => {
      const startMs = performance.now();
      for (let times = 0; ; times++) {
        if (stop.signal.aborted) return times;
        await moveSlice(slice, states[times % states.length]!).catch(() => {});
        await pause(Math.max(0, startMs + ((times + 1) * movingSlices.length * 1000) / perSecond - performance.now()));
      }
    };
    const running = Promise.all(movingSlices.map(work));
    return {
      stop: async () => {
        stop.abort();
        return (await running).reduce((sum, times) => sum + times, 0);
      },
    };
  }

  /** Asks from two nodes all the while and expects that nobody notices. */
  async function withoutNotice(happening: () => Promise<void>): Promise<void> {
    using here = askFrom(pods[0]!, 4);
    using there = askFrom(pods[1]!, 4);
    await expect.poll(() => Math.min(here.answers.length, there.answers.length), limit).toBeGreaterThan(20);
    await happening();
    for (const clients of [here, there]) for (const target of Object.keys(targets)) expect(clients.failures(target)).toEqual([]);
    if (process.env['KNARR_TEST_VERBOSE'])
      console.log([here, there].flatMap((each) => Object.keys(targets).map((name) => each.summary(name))));
  }

  test('endpoints that come and go 100 times a second do not touch those who ask', async () => {
    await withoutNotice(async () => {
      const churning = churn(100);
      await pause(10_000);
      const times = await churning.stop();
      if (process.env['KNARR_TEST_VERBOSE']) console.log(`${times} changes in 10 s`);
      expect(times).toBeGreaterThan(100);
    });
  });

  test('kill -9 of an agent in the middle of changes: the rules stand, and what changed meanwhile is taken up', async () => {
    await withoutNotice(async () => {
      const churning = churn(20);
      await pause(1_000);
      const pid = await cluster.pid('agent-1');
      process.kill(pid, 'SIGKILL');
      await expect.poll(async () => (await cluster.pid('agent-1').catch(() => pid)) !== pid, limit).toBe(true);
      await expect.poll(() => cluster.whole(), limit).toBe(true);
      await pause(2_000);
      await churning.stop();
    });
    await moveSlice('changes-stays', [pods[2]!]);
    for (const name of movingSlices) await moveSlice(name, []);
    await reachedFromAll('changes', ['pod-3']);
    await moveSlice('changes-stays', [pods[0]!]);
    await reachedFromAll('changes', ['pod-1']);
  });

  test('a control plane that dies again and again: Services serve on', async () => {
    await withoutNotice(async () => {
      for (let times = 0; times < 3; times++) {
        await expect.poll(() => cluster.pid('control-plane').then(kill, () => false), limit).toBe(true);
        await pause(1_500);
      }
      await expect.poll(() => cluster.whole(), limit).toBe(true);
    });
  });

  test('the rules of a node deleted by hand: they come back by themselves, and other nodes do not notice', async () => {
    using here = askFrom(pods[0]!, 2);
    using there = askFrom(pods[1]!, 2);
    await expect.poll(() => Math.min(here.answers.length, there.answers.length), limit).toBeGreaterThan(20);
    const isOurs = (line: string): boolean => /^table ip .*-services$/.test(line);
    const [table = ''] = (await onNode(cluster, 1, 'nft', 'list', 'tables')).split('\n').filter(isOurs);
    await onNode(cluster, 1, 'nft', 'delete', ...table.split(' '));
    const deletedAt = Date.now();
    await expect.poll(() => here.failures('stays', deletedAt).length, limit).toBeGreaterThan(0);
    const lookedAt = (): number => Date.now() - 1_000;
    await expect
      .poll(() => here.answered('stays', lookedAt()).length > 1 && here.failures('stays', lookedAt()).length === 0, limit)
      .toBe(true);
    if (process.env['KNARR_TEST_VERBOSE']) console.log(`back after ${Date.now() - deletedAt} ms`);
    expect(there.failures('stays')).toEqual([]);
    await moveSlice('changes-stays', [pods[1]!]);
    await reachedFromAll('changes', ['pod-2']);
    const { stdout } = await run(['nsenter', `--net=/run/netns/knarr-${cluster.name}-1`, 'nft', 'list', 'tables']);
    expect(stdout.split('\n').filter(isOurs)).toEqual([table]);
  });
});
