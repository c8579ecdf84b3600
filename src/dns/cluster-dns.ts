/**
 * Cluster DNS on one node: this thread watches Services and endpoints and builds the zone, a worker thread answers. The zone travels whole;
 * changes that come together travel together.
 */
import { Worker } from 'node:worker_threads';
import { corev1Resources, discoveryv1Resources } from '../api/index.ts';
import { backoffMs, type Clock, type Ctx, type TaskGroup, type Timer } from '../base/index.ts';
import { type InformerFactory, untilAborted } from '../client/index.ts';
import type { DnsWorkerCommand, DnsWorkerData, DnsWorkerNotice } from './dns-worker.ts';
import { buildZone } from './zone.ts';

export interface ClusterDnsConfig extends DnsWorkerData {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly group: TaskGroup;
}

const gatherMs = 50;
const byService = 'service';
const restartPolicy = { initialMs: 100, maxMs: 10_000 };
/** A worker that holds a zone and some queries needs little; the limit keeps a leak from eating the node. */
const workerLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 };

/** Starts it; runs until the group closes. A worker that fails is started again. */
export function startClusterDns(config: ClusterDnsConfig): void {
  const zone = watchZone(config);
  config.group.spawn('cluster DNS', async (ctx) => {
    await config.informers.whenSynced(ctx.signal);
    for (let failures = 0; ; failures++) {
      await serve(config, zone, ctx);
      ctx.signal.throwIfAborted();
      await config.clock.sleep(backoffMs(restartPolicy, failures), ctx.signal);
    }
  });
}

interface WatchedZone {
  readonly current: () => DnsWorkerCommand;
  /** Called after changes; replaced by each worker's run. */
  onChange: () => void;
}

function watchZone({ informers, domain, clock, group }: ClusterDnsConfig): WatchedZone {
  const services = informers.informer(corev1Resources.services);
  const slices = informers.informer(discoveryv1Resources.endpointslices);
  slices.addIndex(byService, ({ metadata }) => {
    const service = metadata.labels?.['kubernetes.io/service-name'];
    return service ? [`${metadata.namespace}/${service}`] : [];
  });
  const slicesOf = (namespace: string, service: string): ReturnType<typeof slices.byIndex> =>
    slices.byIndex(byService, `${namespace}/${service}`);
  const watched: WatchedZone = {
    current: () => ({ type: 'zone', zone: buildZone({ domain, services: services.list(), slicesOf }) }),
    onChange: () => {},
  };
  let gathering: Timer | undefined;
  const changed = (): void => {
    gathering ??= clock.setTimer(gatherMs, () => {
      gathering = undefined;
      watched.onChange();
    });
  };
  const told = { added: changed, updated: changed, deleted: changed };
  services.addHandler(told);
  slices.addHandler(told);
  group.signal.addEventListener('abort', () => gathering?.cancel(), { once: true });
  informers.start();
  return watched;
}

/** Runs one worker until it ends by itself, or the signal aborts. */
async function serve(config: ClusterDnsConfig, zone: WatchedZone, { signal, log }: Ctx): Promise<void> {
  const { address, port, domain, reverseZones, upstreams } = config;
  const data: DnsWorkerData = { address, port, domain, reverseZones, upstreams };
  const file = import.meta.url.endsWith('.ts') ? './dns-worker.ts' : './dns-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data, name: 'dns', resourceLimits: workerLimits });
  const ended = new Promise<void>((resolve) => {
    worker.once('error', (err) => log.error('the DNS thread failed', { err }));
    worker.once('exit', () => resolve());
  });
  worker.on('message', (notice: DnsWorkerNotice) => log.info('cluster DNS answers', { address, port: notice.port }));
  const send = (): void => worker.postMessage(zone.current());
  zone.onChange = send;
  send();
  try {
    await untilAborted(ended, signal);
  } finally {
    zone.onChange = () => {};
    await worker.terminate();
  }
}
