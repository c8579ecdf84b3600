/** Cluster DNS fed by an API server, with a thread that ends, or hangs, when its Corefile says so. */
import { expect, test, vi } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { silentLogger, systemClock, systemRandom, TaskGroup, VirtualClock } from '../../src/base/index.ts';
import { createInformerFactory } from '../../src/client/index.ts';
import { startClusterDns } from '../../src/dns/index.ts';
import { ask, freePort } from '../../src/dns/testdata/ask.ts';
import { startTestServer } from './harness.ts';

const limit = { timeout: 40_000, interval: 50 };

test('a thread that ends, and one that hangs, is started again and knows everything', { timeout: 120_000 }, async () => {
  await using server = await startTestServer({ namespaces: ['default', 'kube-system'] });
  const { client } = server;
  const { signal } = new AbortController();
  const clock = new VirtualClock();
  await using group = new TaskGroup({ log: silentLogger });
  const key = { namespace: 'kube-system', name: 'coredns' };
  const data = (remark: string): { Corefile: string } => ({ Corefile: `# ${remark}\n.:53 {\n  kubernetes cluster.local\n}\n` });
  await client.create(corev1Resources.configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: key, data: data('well') }, { signal });
  const informers = createInformerFactory({ client, clock: systemClock, random: systemRandom, log: silentLogger, group });
  const port = await freePort();
  const worker = new URL('../../src/dns/testdata/mortal-worker.ts', import.meta.url);
  startClusterDns({ addresses: ['127.0.0.1'], port, domain: 'cluster.local', upstreams: [], informers, clock, group, worker });

  /** Makes a Service and waits until DNS tells its address; turns the clock meanwhile. */
  const known = async (name: string): Promise<void> => {
    const metadata = { namespace: 'default', name };
    const spec = { ports: [{ port: 80, protocol: 'TCP' as const, targetPort: 80 }] };
    const made = await client.create(corev1Resources.services, { apiVersion: 'v1', kind: 'Service', metadata, spec }, { signal });
    await answered(name, made.spec.clusterIP!);
  };
  const answered = (name: string, ip: string): Promise<void> =>
    vi.waitFor(async () => {
      // Not much faster than real time, in which threads start.
      await clock.advance(250);
      expect(await ask(port, `${name}.default.svc.cluster.local`, { limitMs: 100 })).toEqual({ rcode: 'NOERROR', answers: [`A ${ip}`] });
    }, limit);
  const configure = (remark: string): Promise<unknown> =>
    client.patch(corev1Resources.configmaps, key, { type: 'application/merge-patch+json', body: { data: data(remark) } }, { signal });
  const silent = (): Promise<void> =>
    vi.waitFor(async () => expect(await ask(port, 'first.default.svc.cluster.local', { limitMs: 100 })).toBeUndefined(), limit);

  await known('first');
  for (const fault of ['die', 'hang']) {
    await configure(fault);
    await silent();
    await known(`after-${fault}`);
    const first = await client.get(corev1Resources.services, { namespace: 'default', name: 'first' }, { signal });
    await answered('first', first.spec.clusterIP!);
  }
});
