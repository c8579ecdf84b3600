import { describe, expect, test } from 'vitest';
import { beforeAllOnCluster, eventually, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';
import { NetworkScene, httpPort } from './scene.ts';

/** As many as upstream measures, so many at a time. */
const services = 200;
const atOnce = 10;
/** Upstream's limits for half, nine tenths and all but a hundredth of the Services, in milliseconds. */
const limits = [
  [0.5, 20_000],
  [0.9, 30_000],
  [0.99, 50_000],
] as const;

describe.skipIf(unavailable)('network/service_latency', () => {
  const cluster = useCluster('conformance-service-latency');
  const scene = new NetworkScene(cluster);

  beforeAllOnCluster(async () => {
    await scene.pod('server', { labels: { app: 'server' } });
  });

  test('Service endpoint latency, thresholds', async () => {
    const path = cluster.path('discovery.k8s.io/v1', 'endpointslices');
    const { metadata } = await cluster.api('GET', path);
    await using watch = await HeldWatch.open(cluster.transport(), `${path}?resourceVersion=${metadata.resourceVersion}`);
    const created = new Map<string, number>();
    const latencies: number[] = [];
    const seeing = (async () => {
      while (latencies.length < services) {
        const { object } = await watch.next();
        const service = object.metadata.labels['kubernetes.io/service-name'];
        const since = created.get(service);
        if (since === undefined || !object.endpoints?.length) continue;
        created.delete(service);
        latencies.push(performance.now() - since);
      }
    })();
    let next = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < services) {
          const name = `latency-svc-${next++}`;
          created.set(name, performance.now());
          await scene.createService(name, { selector: { app: 'server' }, ports: [{ port: 80, targetPort: httpPort }] });
        }
      }),
    );
    await seeing;
    latencies.sort((a, b) => a - b);
    for (const [share, limit] of limits) expect(latencies[Math.ceil(services * share) - 1]).toBeLessThan(limit);
    await cluster.api('DELETE', cluster.path('v1', 'services'));
    await eventually(async () => expect((await cluster.api('GET', path)).items).toEqual([]));
  });
});
