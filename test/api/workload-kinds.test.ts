/** Workload kinds against the running server: scale, what a deletion does to dependents, warnings, tables. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer, Json } from './raw-http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };

describe('a ReplicationController', () => {
  const path = '/api/v1/namespaces/default/replicationcontrollers';
  const make = (name: string): object => ({ apiVersion: 'v1', kind: 'ReplicationController', metadata: { name }, spec: { template } });

  test('keeps its pods when a deletion does not say otherwise', async () => {
    await server.http('POST', path, make('kept'));
    expect((await server.http('DELETE', `${path}/kept`)).json.metadata.finalizers).toEqual(['orphan']);
    await server.http('POST', path, make('whole'));
    expect((await server.http('DELETE', `${path}/whole`, { propagationPolicy: 'Background' })).json.status).toBe('Success');
  });

  test('is scaled by its subresource, counts a generation and is found by its status', async () => {
    await server.http('POST', path, make('scaled'));
    const scale = await server.http('GET', `${path}/scaled/scale`);
    expect(scale.json).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 0, selector: 'app=web' } });
    await server.http('PUT', `${path}/scaled/scale`, { ...scale.json, spec: { replicas: 4 } });
    expect((await server.http('GET', `${path}/scaled`)).json).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 4 } });
    const found = await server.http('GET', `${path}?fieldSelector=status.replicas=0,metadata.name=scaled`);
    expect(found.json.items).toHaveLength(1);
    expect((await server.http('GET', `${path}?fieldSelector=status.replicas=4`)).json.items).toHaveLength(0);
  });
});

describe('an applied Scale', () => {
  const path = '/apis/apps/v1/namespaces/default/statefulsets';
  const applied = { headers: { 'content-type': 'application/apply-patch+yaml' } };
  const scale = (replicas?: number): object => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: {},
    ...(replicas !== undefined && { spec: { replicas } }),
  });
  const apply = (name: string, manager: string, body: object, query = ''): Promise<HttpAnswer> =>
    server.http('PATCH', `${path}/${name}/scale?fieldManager=${manager}${query}`, body, applied);
  const set = (name: string, replicas?: number): object => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: { ...(replicas !== undefined && { replicas }), selector: { matchLabels: { app: 'web' } }, template },
  });
  const owners = async (name: string): Promise<string[]> => {
    const { json } = await server.http('GET', `${path}/${name}`);
    return json.metadata.managedFields
      .filter(({ fieldsV1 }: Json) => fieldsV1['f:spec']?.['f:replicas'] !== undefined)
      .map(({ manager, operation, apiVersion, subresource = '' }: Json) => `${manager} ${operation} ${apiVersion} ${subresource}`.trim());
  };

  test('owns the number and nothing else, and takes it from others only by force', async () => {
    await server.http('POST', `${path}?fieldManager=maker`, set('forced', 1));
    const refused = await apply('forced', 'scaler', scale(3));
    expect(refused.json).toMatchObject({
      code: 409,
      message: 'Apply failed with 1 conflict: conflict with "maker" using autoscaling/v1: .spec.replicas',
    });
    const taken = await apply('forced', 'scaler', scale(3), '&force=true');
    expect(taken.json).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } });
    expect(taken.json.metadata).not.toHaveProperty('managedFields');
    expect(await owners('forced')).toEqual(['scaler Apply apps/v1 scale']);
    expect((await server.http('GET', `${path}/forced`)).json).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 3 } });
  });

  test('shares the number with whoever says the same, and gives it up when it says it no more', async () => {
    await server.http('POST', `${path}?fieldManager=maker`, set('shared', 2));
    expect((await apply('shared', 'scaler', scale(2))).status).toBe(200);
    expect(await owners('shared')).toEqual(['scaler Apply apps/v1 scale', 'maker Update apps/v1']);
    expect((await apply('shared', 'scaler', scale())).json).toMatchObject({ spec: { replicas: 2 } });
    expect(await owners('shared')).toEqual(['maker Update apps/v1']);
  });

  test('of an update is the loser', async () => {
    await server.http('POST', `${path}?fieldManager=maker`, set('lost'));
    await apply('lost', 'scaler', scale(2), '&force=true');
    const { json } = await server.http('GET', `${path}/lost/scale`);
    await server.http('PUT', `${path}/lost/scale?fieldManager=hand`, { ...json, spec: { replicas: 5 } });
    expect(await owners('lost')).toEqual(['hand Update apps/v1 scale']);
  });

  test.each<[string, object, number, string]>([
    ['nothing', scale(1), 404, 'statefulsets.apps "nothing" not found'],
    ['bad', scale(-1), 422, 'Scale.autoscaling "bad" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ['bad', { ...scale(1), kind: 'StatefulSet', apiVersion: 'apps/v1' }, 400, 'invalid object type: apps/v1, Kind=StatefulSet'],
    [
      'bad',
      { ...scale(1), metadata: { namespace: 'other' } },
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
  ])('of %s as %j is refused', async (name, body, code, message) => {
    await server.http('POST', path, set('bad', 1));
    expect((await apply(name, 'scaler', body, '&force=true')).json).toMatchObject({ code, message });
  });

  test('names the object that it is about', async () => {
    await server.http('POST', path, set('other', 1));
    const { json } = await server.http('GET', `${path}/other/scale`);
    const answer = await server.http('PUT', `${path}/other/scale`, { ...json, metadata: { ...json.metadata, uid: 'x' } });
    expect(answer.json.message).toBe(
      `Operation cannot be fulfilled on statefulsets/scale.apps "other": Precondition failed: UID in precondition: x, UID in object meta: ${json.metadata.uid}`,
    );
  });
});

describe('a Job', () => {
  const path = '/apis/batch/v1/namespaces/default/jobs';
  const job = (name: string): object => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: { spec: { containers: [{ name: 'c', image: 'busybox' }], restartPolicy: 'Never' } } },
  });
  const warning =
    '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning"';

  test('is told apart by its uid, and found by its successes', async () => {
    const { json } = await server.http('POST', path, job('one'));
    expect(json.metadata.labels['batch.kubernetes.io/controller-uid']).toBe(json.metadata.uid);
    expect(json.spec.selector.matchLabels).toEqual({ 'batch.kubernetes.io/controller-uid': json.metadata.uid });
    const found = await server.http('GET', `${path}?fieldSelector=status.successful=0,metadata.name=one`);
    expect(found.json.items).toHaveLength(1);
  });

  test('without a name is refused like any other', async () => {
    const answer = await server.http('POST', path, { ...job('x'), metadata: null });
    expect(answer.json).toMatchObject({
      code: 422,
      message: 'Job.batch "" is invalid: metadata.name: Required value: name or generateName is required',
    });
  });

  test('keeps its pods by default, and says so', async () => {
    await server.http('POST', path, job('kept'));
    const kept = await server.http('DELETE', `${path}/kept`);
    expect(kept.json.metadata.finalizers).toEqual(['orphan']);
    expect(kept.headers['warning']).toBe(warning);
    await server.http('POST', path, job('gone'));
    const gone = await server.http('DELETE', `${path}/gone?propagationPolicy=Background`);
    expect(gone.json.status).toBe('Success');
    expect(gone.headers['warning']).toBeUndefined();
    expect((await server.http('DELETE', `${path}?fieldSelector=metadata.name=none`)).headers['warning']).toBe(warning);
  });
});

describe('an autoscaler', () => {
  const path = (version: string): string => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const body = (version: string, name: string, spec: object): object => ({
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: { scaleTargetRef, maxReplicas: 5, ...spec },
  });

  test('written in one version is read in the other', async () => {
    await server.http('POST', path('v1'), body('v1', 'old', { targetCPUUtilizationPercentage: 50 }));
    const full = (await server.http('GET', `${path('v2')}/old`)).json;
    expect(full).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 50 } } }] },
      status: { desiredReplicas: 0 },
    });
    full.spec.behavior = { scaleDown: { stabilizationWindowSeconds: 5 } };
    expect((await server.http('PUT', `${path('v2')}/old`, full)).status).toBe(200);
    const shown = (await server.http('GET', `${path('v1')}/old`)).json;
    expect(shown.spec.targetCPUUtilizationPercentage).toBe(50);
    const { resourceVersion, annotations } = shown.metadata;
    expect(Object.keys(annotations)).toEqual(['autoscaling.alpha.kubernetes.io/behavior']);
    const same = await server.http('PUT', `${path('v1')}/old`, shown);
    expect([same.status, same.json.metadata.resourceVersion]).toEqual([200, resourceVersion]);
  });

  test('is watched and listed in both versions', async () => {
    await server.http('POST', path('v2'), body('v2', 'new', {}));
    for (const version of ['v1', 'v2']) {
      const { json } = await server.http('GET', path(version));
      expect(json).toMatchObject({ apiVersion: `autoscaling/${version}`, kind: 'HorizontalPodAutoscalerList' });
      expect(json.items.map(({ metadata }: Json) => metadata.name)).toContain('new');
    }
  });

  test('is applied in one version and again in the other by the same manager', async () => {
    const applied = { headers: { 'content-type': 'application/apply-patch+yaml' } };
    const apply = (version: string, spec: object): Promise<HttpAnswer> =>
      server.http('PATCH', `${path(version)}/applied?fieldManager=me`, body(version, 'applied', spec), applied);
    expect((await apply('v1', { targetCPUUtilizationPercentage: 50 })).status).toBe(201);
    const again = await apply('v2', { minReplicas: 2 });
    expect(again.status).toBe(200);
    expect(again.json.spec).toMatchObject({ minReplicas: 2, maxReplicas: 5 });
    expect((await apply('v1', {})).json.spec).toMatchObject({ minReplicas: 1, maxReplicas: 5 });
  });
});
