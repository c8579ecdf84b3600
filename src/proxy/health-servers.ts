/**
 * Every health port of this node: one a Service that asks for it, and the proxy's own (`/healthz` and `/livez` for load balancers,
 * `/metrics` on the loopback address). Follows Services, slices and the node; a change costs what it changes.
 * Invariants: one task opens and closes ports, one after another; a port that is taken costs only its Service and is tried again.
 */
import { type corev1, corev1Resources, discoveryv1Resources } from '../api/index.ts';
import { type Clock, Counter, type Ctx, Registry, type TaskGroup } from '../base/index.ts';
import { createWorkQueue, type EventRecorder, type InformerFactory, keyOf, splitKey } from '../client/index.ts';
import { healthCheckOf, type HealthReply, proxyReply, serviceReply } from './health-checks.ts';
import { serveHealth } from './health-server.ts';
import { isEligible, type ProxyHealth } from './health-state.ts';

export interface HealthServersConfig {
  readonly nodeName: string;
  readonly health: ProxyHealth;
  readonly informers: InformerFactory;
  /** Left out: nobody is told that a port is taken, it is only logged. */
  readonly recorder?: EventRecorder;
  readonly clock: Clock;
  readonly group: TaskGroup;
  readonly registry?: Registry;
  /** Defaults are upstream's: 10256 on every address, 10249 on the loopback address. */
  readonly ports?: { readonly healthz: number; readonly metrics: number };
}

const upstreamPorts = { healthz: 10_256, metrics: 10_249 };
const byService = 'health-check-service';

interface OpenPort extends AsyncDisposable {
  readonly port: number;
  localEndpoints: number;
}

/** Opens the ports; they close with the group. */
export function startHealthServers(config: HealthServersConfig): void {
  const { informers, group, nodeName, health, clock } = config;
  const services = informers.informer(corev1Resources.services);
  const slices = informers.informer(discoveryv1Resources.endpointslices);
  const nodes = informers.informer(corev1Resources.nodes, { fieldSelector: `metadata.name=${nodeName}` });
  slices.addIndex(byService, (slice) => serviceKeyOf(slice) ?? []);
  const queue = createWorkQueue({ name: 'service-health', clock, registry: config.registry ?? new Registry() });
  const open = new Map<string, OpenPort>();
  const enqueue = (key: string): void => queue.add(key);
  const concerns = (service: corev1.Service): boolean => Boolean(service.spec.healthCheckNodePort) || open.has(keyOf(service));
  const wake = (service: corev1.Service): void => {
    if (concerns(service)) enqueue(keyOf(service));
  };
  services.addHandler({ added: wake, updated: (_, service) => wake(service), deleted: wake });
  const wakeBySlice = (slice: Parameters<typeof serviceKeyOf>[0]): void => {
    for (const key of serviceKeyOf(slice) ?? []) if (open.has(key)) enqueue(key);
  };
  slices.addHandler({ added: wakeBySlice, updated: (_, slice) => wakeBySlice(slice), deleted: wakeBySlice });
  const judge = (node: corev1.Node): void => void (health.nodeEligible = isEligible(node));
  nodes.addHandler({ added: judge, updated: (_, node) => judge(node), deleted: () => void (health.nodeEligible = false) });
  informers.start();

  const sync = async (key: string): Promise<void> => {
    const service = services.get(splitKey(key));
    const wanted = service && healthCheckOf(service, slices.byIndex(byService, key), nodeName);
    const before = open.get(key);
    if (before && before.port !== wanted?.port) {
      open.delete(key);
      await before[Symbol.asyncDispose]();
    }
    if (!wanted) return;
    const kept = open.get(key);
    if (kept) {
      kept.localEndpoints = wanted.localEndpoints;
      return;
    }
    const server = await serveHealth({ port: wanted.port }, () => serviceReply(key, open.get(key)?.localEndpoints ?? 0, health.healthy));
    open.set(key, { ...wanted, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
  };

  const fail = (key: string, error: unknown, ctx: Ctx): void => {
    const service = services.get(splitKey(key));
    const reason = error instanceof Error ? error.message : String(error);
    const message = `node ${nodeName} failed to start healthcheck "${key}" on port ${service?.spec.healthCheckNodePort}: ${reason}`;
    ctx.log.warn('cannot open the health-check node port of a Service', { service: key, err: error });
    if (service) config.recorder?.event(service, { type: 'Warning', reason: 'FailedToStartServiceHealthcheck', message, action: 'Listen' });
    queue.addRateLimited(key);
  };

  group.signal.addEventListener('abort', () => queue.close(), { once: true });
  group.spawn('service health checks', async (ctx) => {
    try {
      await Promise.all([services.whenSynced(ctx.signal), slices.whenSynced(ctx.signal)]);
      for (;;) {
        const key = await queue.next(ctx.signal);
        try {
          await sync(key);
          queue.forget(key);
        } catch (error) {
          fail(key, error, ctx);
        } finally {
          queue.done(key);
        }
      }
    } finally {
      await Promise.all([...open.values()].map((each) => each[Symbol.asyncDispose]()));
    }
  });
  group.spawn('proxy health', (ctx) => serveProxy(config, ctx));
}

function serviceKeyOf({ metadata }: { readonly metadata: corev1.Service['metadata'] }): string[] | undefined {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  return service ? [`${metadata.namespace}/${service}`] : undefined;
}

const retryListenMs = 5_000;

/** The proxy's own two ports. Another proxy may hold them: then this one goes on without, and tries again. */
async function serveProxy(
  { health, clock, registry = new Registry(), ports = upstreamPorts }: HealthServersConfig,
  ctx: Ctx,
): Promise<void> {
  const counters = {
    '/healthz': new Counter({
      name: 'kubeproxy_proxy_healthz_total',
      help: 'Answers of /healthz.',
      labelNames: ['code'],
      registers: [registry],
    }),
    '/livez': new Counter({ name: 'kubeproxy_proxy_livez_total', help: 'Answers of /livez.', labelNames: ['code'], registers: [registry] }),
  };
  const ask = (path: string): HealthReply | undefined => {
    if (path !== '/healthz' && path !== '/livez') return undefined;
    const reply = proxyReply(path, health, clock.now());
    counters[path].inc({ code: String(reply.status) });
    return reply;
  };
  const measure = async (path: string): Promise<HealthReply | undefined> => {
    const text = (body: string, type = 'text/plain; charset=utf-8'): HealthReply => ({
      status: 200,
      headers: { 'Content-Type': type },
      body,
    });
    if (path === '/metrics') return text(await registry.metrics(), registry.contentType);
    if (path === '/healthz') return text('ok');
    return path === '/proxyMode' ? text('nftables') : undefined;
  };
  await using servers = new AsyncDisposableStack();
  const listen = async (...args: Parameters<typeof serveHealth>): Promise<void> => {
    for (let told = false; ; told = true) {
      try {
        servers.use(await serveHealth(...args));
        return;
      } catch (err) {
        if (!told) ctx.log.warn('cannot open a port of the proxy: trying again', { port: args[0].port, err });
        await clock.sleep(retryListenMs, ctx.signal);
      }
    }
  };
  await Promise.all([listen({ port: ports.healthz }, ask), listen({ port: ports.metrics, host: '127.0.0.1' }, measure)]);
  await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve(), { once: true }));
}
