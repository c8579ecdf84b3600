/**
 * The service proxy of one node: watches Services and EndpointSlices and keeps one nftables table true to them.
 * Invariants: one transaction at a time; what was applied is remembered, never read back; after a failed transaction the whole table is
 * written anew.
 */
import { corev1Resources, discoveryv1Resources } from '../api/index.ts';
import {
  backoffMs,
  type Clock,
  Counter,
  type Ctx,
  Gauge,
  Histogram,
  isAbort,
  ProcessError,
  Registry,
  run,
  type TaskGroup,
} from '../base/index.ts';
import { type InformerFactory, untilAborted } from '../client/index.ts';
import { forgetConnections } from './conntrack.ts';
import { buildRuleset, emptyRuleset, renderChange, renderTable, type Ruleset } from './ruleset.ts';
import { type ProxyInput, virtualPorts } from './service-ports.ts';

export interface ProxyConfig {
  readonly nodeName: string;
  /** Name of the nftables table; one a cluster. */
  readonly table: string;
  /** Addresses of all pods; their traffic to Services keeps its source. */
  readonly podCidr: string;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly group: TaskGroup;
  readonly registry?: Registry;
}

const byService = 'service';
/** Changes that come together are applied together. */
const gatherMs = 10;
const retryPolicy = { initialMs: 200, maxMs: 10_000 };

/** Starts the proxy; it runs until the group closes. */
export function startProxy(config: ProxyConfig): void {
  const services = config.informers.informer(corev1Resources.services);
  const slices = config.informers.informer(discoveryv1Resources.endpointslices);
  slices.addIndex(byService, ({ metadata }) => {
    const service = metadata.labels?.['kubernetes.io/service-name'];
    return service ? [`${metadata.namespace}/${service}`] : [];
  });
  const change = new ChangeSignal();
  const told = { added: () => change.raise(), updated: () => change.raise(), deleted: () => change.raise() };
  services.addHandler(told);
  slices.addHandler(told);
  config.informers.start();
  const input = (): ProxyInput => ({
    services: services.list(),
    slicesOf: (namespace, service) => slices.byIndex(byService, `${namespace}/${service}`),
    nodeName: config.nodeName,
    zone: undefined,
    nodeIps: [],
  });
  config.group.spawn('service proxy', async (ctx) => {
    await config.informers.whenSynced(ctx.signal);
    await keepTable(config, input, change, ctx);
  });
}

async function keepTable(config: ProxyConfig, input: () => ProxyInput, change: ChangeSignal, ctx: Ctx): Promise<void> {
  const metrics = proxyMetrics(config.registry ?? new Registry());
  let applied: Ruleset | undefined;
  let failures = 0;
  for (;;) {
    change.lower();
    const wanted: Ruleset = buildRuleset(
      virtualPorts(input()).filter(({ family }) => family === 'IPv4'),
      applied ?? emptyRuleset,
    );
    const script = applied ? renderChange(config.table, applied, wanted) : renderTable(config.table, config.podCidr, wanted);
    try {
      const stop = metrics.seconds.startTimer();
      if (script !== '') await run(['nft', '-f', '-'], { signal: ctx.signal, input: script });
      stop();
      if (applied) await forgetConnections(applied, wanted, ctx);
      applied = wanted;
      failures = 0;
      metrics.lastSync.set(config.clock.now() / 1000);
    } catch (err) {
      if (isAbort(err, ctx.signal) || !(err instanceof ProcessError)) throw err;
      ctx.log.error('cannot apply the service rules: writing the whole table anew', { err });
      metrics.failures.inc();
      applied = undefined;
      await config.clock.sleep(backoffMs(retryPolicy, failures++), ctx.signal);
      continue;
    }
    await change.raised(ctx.signal);
    await config.clock.sleep(gatherMs, ctx.signal);
  }
}

/** A flag that can be waited for. */
class ChangeSignal {
  #raised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  lower(): void {
    this.#raised = false;
  }

  async raised(signal: AbortSignal): Promise<void> {
    if (this.#raised) return;
    await untilAborted(new Promise<void>((resolve) => (this.#wake = resolve)), signal);
  }
}

function proxyMetrics(registry: Registry): { seconds: Histogram; lastSync: Gauge; failures: Counter } {
  return {
    seconds: new Histogram({
      name: 'kubeproxy_sync_proxy_rules_duration_seconds',
      help: 'How long a transaction took.',
      registers: [registry],
    }),
    lastSync: new Gauge({
      name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      help: 'When the table was last brought up to date.',
      registers: [registry],
    }),
    failures: new Counter({
      name: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
      help: 'Transactions that failed.',
      registers: [registry],
    }),
  };
}

/** Removes the table; used when a node leaves. */
export async function removeProxyTable(table: string, signal: AbortSignal): Promise<void> {
  await run(['nft', '-f', '-'], { signal, input: `add table ip ${table}\ndelete table ip ${table}\n` });
}
