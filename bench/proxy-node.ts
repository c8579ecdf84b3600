/** The service proxy alone in a process: `fork`ed by the proxy bench with a job; tells its parent when what it watches is there. */
import { corev1Resources, discoveryv1Resources } from '../src/api/index.ts';
import { silentLogger, systemClock, systemRandom, TaskGroup } from '../src/base/index.ts';
import { createClient, createHttpsTransport, createInformerFactory } from '../src/client/index.ts';
import { startProxy } from '../src/proxy/index.ts';
import type { H2Target } from './h2-client.ts';

export interface ProxyNodeJob {
  readonly target: H2Target;
  readonly table: string;
  readonly nodeIp: string;
  readonly podCidr: string;
}

/** When every Service and every slice was there; milliseconds since the epoch. */
export interface ProxyNodeSynced {
  readonly syncedAtMs: number;
}

async function start({ target: { port, ...identity }, table, nodeIp, podCidr }: ProxyNodeJob): Promise<void> {
  const { signal } = new AbortController();
  const common = { clock: systemClock, random: systemRandom, log: silentLogger };
  const group = new TaskGroup({ log: silentLogger, signal });
  const client = createClient(createHttpsTransport({ server: `https://127.0.0.1:${port}`, ...identity, ...common }));
  const informers = createInformerFactory({ client, ...common, group });
  startProxy({ nodeName: 'bench', nodeIps: [nodeIp], table, podCidrs: [podCidr], informers, clock: systemClock, group });
  await Promise.all([
    informers.informer(corev1Resources.services).whenSynced(signal),
    informers.informer(discoveryv1Resources.endpointslices).whenSynced(signal),
  ]);
  process.send?.({ syncedAtMs: performance.timeOrigin + performance.now() } satisfies ProxyNodeSynced);
}

if (import.meta.main) {
  process.once('disconnect', () => process.exit(0));
  process.once('message', (job: ProxyNodeJob) => {
    start(job).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
}
