/** The door of health and metrics: `/healthz`, `/livez`, `/readyz` with their single checks, and `/metrics`. */
import { type HealthAnswer, type HealthCheck, registerProcessMetrics, Registry, singleHealth, summarizeHealth } from '../../base/index.ts';
import type { ApiServerHost, ExtensionFactory, RestEndpoint } from '../extension.ts';
import { notFoundAt } from '../discovery/index.ts';
import type { ApiResponse, RequestContext } from '../request.ts';
import { RequestMetrics } from './request-metrics.ts';
import type { StartUpSteps } from './start-up.ts';

export type { HealthCheck } from '../../base/index.ts';
export { StartUpSteps } from './start-up.ts';

export interface HealthOptions {
  readonly steps: StartUpSteps;
  /** Rendered by `/metrics`; other components of the process may register on it too. */
  readonly metrics?: Registry;
  /** More checks of `/readyz` and `/healthz`. */
  readonly checks?: readonly HealthCheck[];
  readonly version: { readonly major: string; readonly minor: string; readonly gitVersion: string };
}

/** How long the store may take to answer before the server counts as unhealthy. */
const storeTimeoutMs = 2000;

const textHeaders = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache, private' } as const;

export function healthExtension(options: HealthOptions): ExtensionFactory {
  return (host) => {
    const metrics = options.metrics ?? new Registry();
    registerProcessMetrics(metrics, options.version);
    const requests = new RequestMetrics(
      metrics,
      () => host.clock.monotonic(),
      ({ apiGroup, version, resource, subresource }) => {
        const definition = host.registry.definition(apiGroup, version, resource);
        return definition !== undefined && (subresource === '' || definition.subresources.some(({ name }) => name === subresource));
      },
    );
    const pass = (name: string): HealthCheck => ({ name, check: () => {} });
    const store: HealthCheck = { name: 'etcd', check: () => askStore(host) };
    const stopping: HealthCheck = {
      name: 'shutdown',
      check: () => {
        if (host.signal.aborted) throw new Error('process is shutting down');
      },
    };
    const checksOf: Readonly<Record<string, () => readonly HealthCheck[]>> = {
      healthz: () => [pass('ping'), pass('log'), store, ...options.steps.checks, ...(options.checks ?? [])],
      livez: () => [pass('ping'), pass('log'), store, ...options.steps.checks],
      readyz: () => [
        pass('ping'),
        pass('log'),
        store,
        { name: 'etcd-readiness', check: store.check },
        pass('informer-sync'),
        ...options.steps.checks,
        ...(options.checks ?? []),
        stopping,
      ],
    };
    const endpoints = Object.entries(checksOf).flatMap(([name, checks]) => healthEndpoints(name, checks));
    return {
      endpoints: [
        ...endpoints,
        {
          path: '/metrics',
          methods: ['GET', 'HEAD'],
          handle: async () => ({ type: 'bytes', status: 200, contentType: metrics.contentType, body: await metrics.metrics() }),
        },
      ],
      observeRequest: (request) => requests.begin(request),
    };
  };
}

/** Paths of this extension, for the list at `/`. */
export function healthPaths(steps: StartUpSteps): string[] {
  const names = ['ping', 'log', 'etcd', ...steps.checks.map(({ name }) => name)];
  const roots = ['/healthz', '/livez', '/readyz'];
  return [...roots.flatMap((root) => [root, ...names.map((name) => `${root}/${name}`)]), '/metrics'];
}

function healthEndpoints(name: string, checks: () => readonly HealthCheck[]): RestEndpoint[] {
  const handle = async (ctx: RequestContext): Promise<ApiResponse> => {
    const wanted = ctx.info.path.slice(name.length + 2);
    if (wanted === '') return answered(ctx, await summarizeHealth(name, checks(), ctx.info.query));
    const check = checks().find((candidate) => candidate.name === wanted);
    if (!check) throw notFoundAt();
    return answered(ctx, await singleHealth(check));
  };
  return [`/${name}`, `/${name}/*`].map((path) => ({ path, methods: ['GET', 'HEAD'], handle }));
}

function answered(ctx: RequestContext, { status, body, failures }: HealthAnswer): ApiResponse {
  if (failures.length > 0) ctx.log.warn('health check failed', { path: ctx.info.path, failures });
  return { type: 'bytes', status, contentType: 'text/plain; charset=utf-8', body, headers: textHeaders };
}

async function askStore({ store, clock, signal }: ApiServerHost): Promise<void> {
  const done = new AbortController();
  const timeout = clock.sleep(storeTimeoutMs, AbortSignal.any([signal, done.signal])).then(
    () => {
      throw new Error(`the store did not answer within ${storeTimeoutMs} ms`);
    },
    () => {},
  );
  try {
    await Promise.race([store.revision(), timeout]);
  } finally {
    done.abort();
  }
}
