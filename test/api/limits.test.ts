/** LimitRanges over the whole road of a write: what is filled in, what is refused and with which words. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

let server: TestServer;
let nextNamespace = 0;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function namespaceWith(...limits: object[]): Promise<string> {
  const name = `ns-${++nextNamespace}`;
  await server.http('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const range = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits } };
  expect((await server.http('POST', `/api/v1/namespaces/${name}/limitranges`, range)).status).toBe(201);
  return name;
}

interface Resources {
  readonly requests?: Record<string, string>;
  readonly limits?: Record<string, string>;
}

function pod(ns: string, resources: Resources = {}, spec: object = {}): Promise<HttpAnswer> {
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'x', resources }], ...spec },
  };
  return server.http('POST', `/api/v1/namespaces/${ns}/pods`, object);
}

describe('defaults', () => {
  test('are filled in where a container says nothing, and noted', async () => {
    const ns = await namespaceWith({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m' } });
    const { json } = await pod(ns, { requests: { memory: '64Mi' } }, { initContainers: [{ name: 'i', image: 'x' }] });
    expect(json).toMatchObject({
      metadata: {
        annotations: {
          'kubernetes.io/limit-ranger':
            'LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c; cpu, memory request for init container i; cpu, memory limit for init container i',
        },
      },
      spec: {
        containers: [{ resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '1Gi' } } }],
        initContainers: [{ resources: { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '500m', memory: '1Gi' } } }],
      },
      status: { qosClass: 'Burstable' },
    });
  });

  test('leave alone what says everything', async () => {
    const ns = await namespaceWith({ type: 'Container', default: { cpu: '500m' } });
    const { json } = await pod(ns, { requests: { cpu: '1' }, limits: { cpu: '1' } });
    expect(json.metadata).not.toHaveProperty('annotations');
  });
});

describe('bounds', () => {
  const container = { type: 'Container' };
  test.each<[object, Resources, string]>([
    [{ type: 'Pod', min: { cpu: '1' } }, {}, 'minimum cpu usage per Pod is 1.  No request is specified'],
    [{ type: 'Pod', min: { cpu: '1' } }, { requests: { cpu: '500m' } }, 'minimum cpu usage per Pod is 1, but request is 500m'],
    [
      { ...container, min: { memory: '1Gi' } },
      { requests: { memory: '1Mi' } },
      'minimum memory usage per Container is 1Gi, but request is 1Mi',
    ],
    [{ type: 'Pod', max: { cpu: '1' } }, { requests: { cpu: '1' } }, 'maximum cpu usage per Pod is 1.  No limit is specified'],
    [{ type: 'Pod', max: { cpu: '1' } }, { limits: { cpu: '2' } }, 'maximum cpu usage per Pod is 1, but limit is 2'],
    [
      { ...container, max: { cpu: '1' }, min: { cpu: '500m' } },
      { requests: { cpu: '100m' }, limits: { cpu: '2' } },
      '[minimum cpu usage per Container is 500m, but request is 100m, maximum cpu usage per Container is 1, but limit is 2]',
    ],
    [
      { type: 'Pod', maxLimitRequestRatio: { cpu: '2' } },
      {},
      'cpu max limit to request ratio per Pod is 2, but no request is specified or request is 0',
    ],
    [
      { type: 'Pod', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '1' } },
      'cpu max limit to request ratio per Pod is 2, but no limit is specified or limit is 0',
    ],
    [
      { ...container, maxLimitRequestRatio: { cpu: '1500m' } },
      { requests: { cpu: '300m' }, limits: { cpu: '1' } },
      'cpu max limit to request ratio per Container is 1500m, but provided ratio is 3.333333',
    ],
  ])('%j refuses %j', async (item, resources, why) => {
    expect((await pod(await namespaceWith(item), resources)).json).toMatchObject({ code: 403, message: `pods "p" is forbidden: ${why}` });
  });

  test('of a pod hold for all its containers together', async () => {
    const ns = await namespaceWith({ type: 'Pod', max: { cpu: '1' } });
    const resources = { limits: { cpu: '600m' } };
    const containers = ['a', 'b'].map((name) => ({ name, image: 'x', resources }));
    expect((await pod(ns, {}, { containers })).json.message).toBe(
      'pods "p" is forbidden: maximum cpu usage per Pod is 1, but limit is 1200m',
    );
    expect((await pod(ns, resources, { initContainers: [{ name: 'i', image: 'x', resources }] })).status).toBe(201);
  });

  test('hold when a pod is resized, and for nothing else that changes', async () => {
    const ns = await namespaceWith();
    await pod(ns, { requests: { cpu: '1' }, limits: { cpu: '2' } });
    const limits = [{ type: 'Container', max: { cpu: '1' } }];
    await server.http(
      'PATCH',
      `/api/v1/namespaces/${ns}/limitranges/l`,
      { spec: { limits } },
      { headers: { 'content-type': 'application/merge-patch+json' } },
    );
    const headers = { 'content-type': 'application/strategic-merge-patch+json' };
    const path = `/api/v1/namespaces/${ns}/pods/p`;
    expect((await server.http('PATCH', path, { metadata: { labels: { a: 'b' } } }, { headers })).status).toBe(200);
    const resize = { spec: { containers: [{ name: 'c', resources: { limits: { cpu: '3' } } }] } };
    expect((await server.http('PATCH', `${path}/resize`, resize, { headers })).json.message).toBe(
      'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 3',
    );
    resize.spec.containers[0]!.resources.limits.cpu = '1';
    expect((await server.http('PATCH', `${path}/resize`, resize, { headers })).status).toBe(200);
  });
});

describe('claims', () => {
  const claim = (ns: string, storage: string): Promise<HttpAnswer> => {
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } };
    const object = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, spec };
    return server.http('POST', `/api/v1/namespaces/${ns}/persistentvolumeclaims`, object);
  };
  test('ask for no less and no more than allowed', async () => {
    const ns = await namespaceWith({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } });
    expect((await claim(ns, '500Mi')).json.message).toBe(
      'persistentvolumeclaims "c" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
    );
    expect((await claim(ns, '6Gi')).json.message).toBe(
      'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi',
    );
    expect((await claim(ns, '5Gi')).status).toBe(201);
  });
});
