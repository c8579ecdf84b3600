import { describe, expect, test } from 'vitest';
import { type HealthCheck, Registry, singleHealth, summarizeHealth } from '../../base/index.ts';
import type { ObservedRequest } from '../extension.ts';
import type { QueryParameters, RequestInfo } from '../request.ts';

import { RequestMetrics } from './request-metrics.ts';
import { StartUpSteps } from './start-up.ts';

function query(text: string): QueryParameters {
  const parameters = new URLSearchParams(text);
  return {
    get: (name) => parameters.get(name) ?? undefined,
    getAll: (name) => parameters.getAll(name),
    has: (name) => parameters.has(name),
  };
}

const ping: HealthCheck = { name: 'ping', check: () => {} };
const broken: HealthCheck = {
  name: 'etcd',
  check: () => {
    throw new Error('no answer');
  },
};

describe('health endpoints', () => {
  test.each([
    ['', [ping], 200, 'ok'],
    ['verbose', [ping], 200, '[+]ping ok\nlivez check passed\n'],
    ['', [ping, broken], 500, '[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n'],
    ['exclude=etcd', [ping, broken], 200, 'ok'],
    ['verbose&exclude=etcd', [ping, broken], 200, '[+]ping ok\n[+]etcd excluded: ok\nlivez check passed\n'],
    [
      'verbose&exclude=b&exclude=a',
      [ping],
      200,
      '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "a","b"\nlivez check passed\n',
    ],
  ] as const)("?%s answers in upstream's form", async (parameters, checks, status, body) => {
    expect(await summarizeHealth('livez', checks, query(parameters))).toMatchObject({ status, body });
  });

  test('why a check failed is told under its own path and to the log only', async () => {
    expect(await singleHealth(broken)).toEqual({ status: 500, body: 'internal server error: no answer\n', failures: ['etcd: no answer'] });
    expect((await summarizeHealth('livez', [broken], query(''))).failures).toEqual(['etcd: no answer']);
  });

  test('a step of starting up fails its check until it is finished', async () => {
    const steps = new StartUpSteps();
    steps.announce('bootstrap-controller');
    expect(await summarizeHealth('readyz', steps.checks, query(''))).toMatchObject({
      status: 500,
      body: '[-]poststarthook/bootstrap-controller failed: reason withheld\nreadyz check failed\n',
    });
    steps.finish('bootstrap-controller');
    expect((await summarizeHealth('readyz', steps.checks, query(''))).status).toBe(200);
  });
});

describe('request metrics', () => {
  function request(info: Partial<RequestInfo>, rest: Partial<ObservedRequest> = {}): ObservedRequest {
    const whole: RequestInfo = {
      isResourceRequest: true,
      verb: 'get',
      path: '/api/v1/namespaces/ns/pods/p',
      apiGroup: '',
      version: 'v1',
      resource: 'pods',
      subresource: '',
      subpath: '',
      namespace: 'ns',
      name: 'p',
      query: query(''),
      ...info,
    };
    return { info: whole, method: 'GET', dryRun: false, isApply: false, ...rest };
  }

  test('a request is in flight until it ends, and is counted with its status', async () => {
    const registry = new Registry();
    let nowMs = 0;
    const metrics = new RequestMetrics(
      registry,
      () => nowMs,
      () => true,
    );
    const end = metrics.begin(request({}));
    expect(await registry.metrics()).toContain('apiserver_current_inflight_requests{request_kind="readOnly"} 1');
    nowMs = 30;
    end({ status: 404, bytes: 200 });
    const text = await registry.metrics();
    expect(text).toContain('apiserver_current_inflight_requests{request_kind="readOnly"} 0');
    expect(text).toContain(
      'apiserver_request_total{verb="GET",dry_run="",group="",version="v1",resource="pods",subresource="",scope="resource",component="apiserver",code="404"} 1',
    );
    expect(text).toMatch(/apiserver_request_duration_seconds_bucket\{le="0.025"[^}]*\} 0/);
    expect(text).toMatch(/apiserver_request_duration_seconds_bucket\{le="0.05"[^}]*\} 1/);
  });

  test('every request is counted once, however often somebody reads', async () => {
    const registry = new Registry();
    const metrics = new RequestMetrics(
      registry,
      () => 0,
      () => true,
    );
    const total = async (): Promise<string | undefined> =>
      /^apiserver_request_total\{.*code="200"\} (\d+)$/m.exec(await registry.metrics())?.[1];
    const answer = (): void => metrics.begin(request({}))({ status: 200, bytes: 1 });
    answer();
    answer();
    expect(await total()).toBe('2');
    expect(await total()).toBe('2');
    answer();
    expect(await total()).toBe('3');
  });

  test.each([
    [request({ verb: 'patch' }, { method: 'PATCH', isApply: true }), 'verb="APPLY"'],
    [request({ verb: 'patch' }, { method: 'PATCH', dryRun: true }), 'verb="PATCH",dry_run="All"'],
    [request({ verb: 'create', name: '' }, { method: 'POST' }), 'verb="POST"'],
    [request({ verb: 'get', subresource: 'exec' }), 'verb="CONNECT"'],
    [request({ isResourceRequest: false, path: '/openapi/v3/apis/apps/v1', resource: '' }), 'subresource="/openapi"'],
  ])('verbs and paths are named as upstream names them (%#)', async (observed, labels) => {
    const registry = new Registry();
    new RequestMetrics(
      registry,
      () => 0,
      () => true,
    ).begin(observed)({ status: 200, bytes: 0 });
    expect(await registry.metrics()).toContain(labels);
  });

  test('whatever clients ask for, the label sets are those of what is served', async () => {
    const registry = new Registry();
    const metrics = new RequestMetrics(
      registry,
      () => 0,
      ({ resource, subresource }) => resource === 'pods' && subresource === '',
    );
    for (let i = 0; i < 1_000; i++) {
      metrics.begin(request({ resource: `r${i}` }))({ status: 404, bytes: 0 });
      metrics.begin(request({ subresource: `s${i}` }))({ status: 404, bytes: 0 });
      metrics.begin(request({ apiGroup: `g${i}`, resource: 'x' }))({ status: 404, bytes: 0 });
      metrics.begin(request({ isResourceRequest: false, path: `/p${i}`, resource: '' }))({ status: 404, bytes: 0 });
      metrics.begin(request({ isResourceRequest: false, path: '/api', resource: '' }, { method: `M${i}` }))({ status: 405, bytes: 0 });
    }
    const sets = (await registry.metrics()).split('\n').filter((line) => line.startsWith('apiserver_request_total{'));
    expect(sets.length).toBeLessThan(6);
  });

  test('a watch is long-running, not in flight', async () => {
    const registry = new Registry();
    new RequestMetrics(
      registry,
      () => 0,
      () => true,
    ).begin(request({ verb: 'watch', name: '' }));
    const text = await registry.metrics();
    expect(text).toMatch(/apiserver_longrunning_requests\{verb="WATCH"[^}]*\} 1/);
    expect(text).not.toContain('request_kind="readOnly"} 1');
  });
});
