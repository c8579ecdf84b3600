/** Quotas over the whole road of a write: what fits, what does not and with which words, many at once, two servers on one store. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { standardExtensions } from '../../src/apiserver/index.ts';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

let server: TestServer;
let nextNamespace = 0;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function namespace(): Promise<string> {
  const name = `ns-${++nextNamespace}`;
  await server.http('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}

interface QuotaSpec {
  readonly hard: Record<string, string>;
  readonly scopes?: readonly string[];
  readonly scopeSelector?: object;
}

/** A quota whose status is counted; `used` holds what is not zero. */
async function quota(ns: string, spec: QuotaSpec, used: Record<string, string> = {}, name = 'q'): Promise<void> {
  const path = `/api/v1/namespaces/${ns}/resourcequotas`;
  const made = await server.http('POST', path, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec });
  expect(made.status).toBe(201);
  const zeros = Object.fromEntries(Object.keys(spec.hard).map((resource) => [resource, '0']));
  const counted = { ...made.json, status: { hard: spec.hard, used: { ...zeros, ...used } } };
  expect((await server.http('PUT', `${path}/${name}/status`, counted)).status).toBe(200);
}

async function usedIn(ns: string, name = 'q'): Promise<Record<string, string>> {
  const { json } = await server.http('GET', `/api/v1/namespaces/${ns}/resourcequotas/${name}`);
  return (json as unknown as { status: { used: Record<string, string> } }).status.used;
}

function post(ns: string, plural: string, kind: string, object: object, query = ''): Promise<HttpAnswer> {
  return server.http('POST', `/api/v1/namespaces/${ns}/${plural}${query}`, { apiVersion: 'v1', kind, ...object });
}

interface Resources {
  readonly requests?: Record<string, string>;
  readonly limits?: Record<string, string>;
}

function pod(ns: string, name: string, resources: Resources = {}, spec: object = {}, query = ''): Promise<HttpAnswer> {
  return post(ns, 'pods', 'Pod', { metadata: { name }, spec: { containers: [{ name: 'c', image: 'x', resources }], ...spec } }, query);
}

describe('a pod', () => {
  test('is charged with its requests, limits and itself', async () => {
    const ns = await namespace();
    const hard = {
      pods: '2',
      'count/pods': '9',
      'requests.cpu': '1',
      memory: '1Gi',
      'limits.cpu': '2',
      'requests.ephemeral-storage': '5Gi',
    };
    await quota(ns, { hard });
    const resources = { requests: { cpu: '300m', memory: '128Mi', 'ephemeral-storage': '1Gi' }, limits: { cpu: '1' } };
    expect((await pod(ns, 'a', resources)).status).toBe(201);
    expect(await usedIn(ns)).toEqual({
      pods: '1',
      'count/pods': '1',
      'requests.cpu': '300m',
      memory: '128Mi',
      'limits.cpu': '1',
      'requests.ephemeral-storage': '1Gi',
    });
    expect((await pod(ns, 'b', { ...resources, requests: { ...resources.requests, cpu: '800m' } })).json).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=800m, used: requests.cpu=300m, limited: requests.cpu=1',
    });
    expect((await pod(ns, 'b', resources)).status).toBe(201);
    expect((await pod(ns, 'c', { ...resources, limits: { cpu: '2' } })).json.message).toBe(
      'pods "c" is forbidden: exceeded quota: q, requested: limits.cpu=2,pods=1, used: limits.cpu=2,pods=2, limited: limits.cpu=2,pods=2',
    );
    expect(await usedIn(ns)).toMatchObject({ pods: '2', 'requests.cpu': '600m' });
  });

  test('has to say what a quota limits, in every container', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { 'requests.cpu': '1', 'limits.memory': '1Gi', 'requests.example.com/gpu': '1' } });
    const initContainers = [{ name: 'i', image: 'x', resources: { requests: { cpu: '1m' } } }];
    expect((await pod(ns, 'a', {}, { initContainers })).json.message).toBe(
      'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c,i; requests.cpu for: c',
    );
    expect((await pod(ns, 'level', {}, { resources: { requests: { cpu: '1m' } } })).status).toBe(201);
  });

  test('takes what its init containers and its sidecars need at most, and extended resources', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { cpu: '9', 'requests.example.com/gpu': '3' } });
    const resources = { requests: { cpu: '1', 'example.com/gpu': '2' }, limits: { 'example.com/gpu': '2' } };
    const initContainers = [
      { name: 'i', image: 'x', resources: { requests: { cpu: '3' } } },
      { name: 's', image: 'x', restartPolicy: 'Always', resources: { requests: { cpu: '500m' } } },
    ];
    expect((await pod(ns, 'a', resources, { initContainers })).status).toBe(201);
    expect(await usedIn(ns)).toEqual({ cpu: '3', 'requests.example.com/gpu': '2' });
    expect((await pod(ns, 'b', resources)).json.message).toBe(
      'pods "b" is forbidden: exceeded quota: q, requested: requests.example.com/gpu=2, used: requests.example.com/gpu=2, limited: requests.example.com/gpu=3',
    );
  });

  test('that is resized is charged with the difference', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { cpu: '2' } });
    await pod(ns, 'a', { requests: { cpu: '500m' } });
    const resize = (cpu: string): Promise<HttpAnswer> =>
      server.http(
        'PATCH',
        `/api/v1/namespaces/${ns}/pods/a/resize`,
        { spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] } },
        { headers: { 'content-type': 'application/strategic-merge-patch+json' } },
      );
    expect((await resize('1500m')).status).toBe(200);
    expect(await usedIn(ns)).toEqual({ cpu: '1500m' });
    expect((await resize('2500m')).json.message).toBe(
      'pods "a" is forbidden: exceeded quota: q, requested: cpu=1, used: cpu=1500m, limited: cpu=2',
    );
  });

  test('that runs dry takes nothing, and is refused all the same', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { pods: '1' } });
    expect((await pod(ns, 'a', {}, {}, '?dryRun=All')).status).toBe(201);
    expect(await usedIn(ns)).toEqual({ pods: '0' });
    await pod(ns, 'a');
    expect((await pod(ns, 'b', {}, {}, '?dryRun=All')).json.message).toContain('exceeded quota: q');
  });

  test('waits until the quota is counted', async () => {
    const ns = await namespace();
    const path = `/api/v1/namespaces/${ns}/resourcequotas`;
    const made = await server.http('POST', path, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'q' },
      spec: { hard: { pods: '1' } },
    });
    await server.http('PUT', `${path}/q/status`, { ...made.json, status: { hard: { pods: '1' } } });
    expect((await pod(ns, 'a')).json.message).toBe('pods "a" is forbidden: status unknown for quota: q, resources: pods');
  });
});

describe('a scope', () => {
  const affinity = {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'x', namespaces: ['other'], labelSelector: {} }] },
  };
  const rows: [string, object, Resources, object][] = [
    ['Terminating', { scopes: ['Terminating'] }, {}, { activeDeadlineSeconds: 5 }],
    ['NotTerminating', { scopes: ['NotTerminating'] }, {}, {}],
    ['BestEffort', { scopes: ['BestEffort'] }, {}, {}],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, { requests: { cpu: '1' } }, {}],
    ['CrossNamespacePodAffinity', { scopes: ['CrossNamespacePodAffinity'] }, {}, { affinity }],
  ];
  test.each(rows)('%s means these pods', async (_, scopes, resources, spec) => {
    const ns = await namespace();
    await quota(ns, { hard: { pods: '1' }, ...scopes });
    expect((await pod(ns, 'a', resources, spec)).status).toBe(201);
    expect(await usedIn(ns)).toEqual({ pods: '1' });
    expect((await pod(ns, 'b', resources, spec)).json.message).toContain('exceeded quota');
  });

  test.each([
    ['Terminating', {}],
    ['NotTerminating', { activeDeadlineSeconds: 5 }],
    ['NotBestEffort', {}],
    ['CrossNamespacePodAffinity', {}],
  ])('%s does not mean other pods', async (scope, spec) => {
    const ns = await namespace();
    await quota(ns, { hard: { pods: '0' }, scopes: [scope] });
    expect((await pod(ns, 'a', {}, spec)).status).toBe(201);
  });

  test('PriorityClass means pods of some classes', async () => {
    const [ns, priority] = [await namespace(), { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass' }];
    await server.http('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { ...priority, metadata: { name: 'high' }, value: 9 });
    const of = (operator: string, values?: string[]): object => ({
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values && { values }) }] },
    });
    await quota(ns, { hard: { pods: '9' }, ...of('In', ['high', 'higher']) }, {}, 'in');
    await quota(ns, { hard: { pods: '9' }, ...of('NotIn', ['high']) }, {}, 'not-in');
    await quota(ns, { hard: { pods: '9' }, ...of('Exists') }, {}, 'exists');
    await quota(ns, { hard: { pods: '9' }, ...of('DoesNotExist') }, {}, 'absent');
    await pod(ns, 'a', {}, { priorityClassName: 'high' });
    await pod(ns, 'b');
    await pod(ns, 'c');
    const counts = await Promise.all(['in', 'not-in', 'exists', 'absent'].map(async (name) => (await usedIn(ns, name))['pods']));
    expect(counts).toEqual(['1', '2', '1', '2']);
  });

  test('a pod that gets a deadline moves into another scope', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { pods: '1' }, scopes: ['Terminating'] });
    await pod(ns, 'a');
    await pod(ns, 'b');
    const deadline = (name: string): Promise<HttpAnswer> =>
      server.http(
        'PATCH',
        `/api/v1/namespaces/${ns}/pods/${name}`,
        { spec: { activeDeadlineSeconds: 9 } },
        { headers: { 'content-type': 'application/merge-patch+json' } },
      );
    expect((await deadline('a')).status).toBe(200);
    expect(await usedIn(ns)).toEqual({ pods: '1' });
    expect((await deadline('b')).json.message).toBe(
      'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    );
  });
});

describe('other resources', () => {
  test('services are counted with their node ports and load balancers, and when their type changes', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { services: '2', 'services.nodeports': '2', 'services.loadbalancers': '1' } });
    const ports = [
      { port: 1, name: 'a' },
      { port: 2, name: 'b' },
    ];
    const service = (name: string, spec: object): Promise<HttpAnswer> =>
      post(ns, 'services', 'Service', { metadata: { name }, spec: { ports, ...spec } });
    const made = await service('a', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
    expect(made.status).toBe(201);
    expect(await usedIn(ns)).toEqual({ services: '1', 'services.nodeports': '0', 'services.loadbalancers': '1' });
    expect((await service('b', { type: 'LoadBalancer' })).json.message).toBe(
      'services "b" is forbidden: exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=1, limited: services.loadbalancers=1',
    );
    await service('b', {});
    const change = { spec: { type: 'NodePort' } };
    const patched = await server.http('PATCH', `/api/v1/namespaces/${ns}/services/b`, change, {
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    expect(patched.status).toBe(200);
    expect(await usedIn(ns)).toEqual({ services: '2', 'services.nodeports': '2', 'services.loadbalancers': '1' });
  });

  test('everything can be counted, by its name or an older one', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { 'count/configmaps': '1', secrets: '0', 'count/deployments.apps': '0' } });
    expect((await post(ns, 'configmaps', 'ConfigMap', { metadata: { name: 'a' } })).status).toBe(201);
    expect((await post(ns, 'configmaps', 'ConfigMap', { metadata: { name: 'b' } })).json.message).toBe(
      'configmaps "b" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
    );
    expect((await post(ns, 'secrets', 'Secret', { metadata: { generateName: 's-' } })).json.message).toMatch(
      /^secrets "s-\w{5}" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0$/,
    );
    const labels = { a: 'b' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { selector: { matchLabels: labels }, template },
    };
    expect((await server.http('POST', `/apis/apps/v1/namespaces/${ns}/deployments`, deployment)).json.message).toBe(
      'deployments.apps "d" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0',
    );
    expect(
      (await post(ns, 'events', 'Event', { metadata: { name: 'e' }, involvedObject: { kind: 'Pod', namespace: ns, name: 'p' } })).status,
    ).toBe(201);
  });

  test('claims are counted with their storage, of each class, and when they grow', async () => {
    const ns = await namespace();
    const ofClass = 'gold.storageclass.storage.k8s.io/requests.storage';
    await quota(ns, { hard: { persistentvolumeclaims: '2', 'requests.storage': '10Gi', [ofClass]: '3Gi' } });
    const claim = (name: string, storage: string, storageClassName?: string): Promise<HttpAnswer> => {
      const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...(storageClassName && { storageClassName }) };
      return post(ns, 'persistentvolumeclaims', 'PersistentVolumeClaim', { metadata: { name }, spec });
    };
    expect((await claim('a', '2Gi', 'gold')).status).toBe(201);
    expect((await claim('b', '2Gi', 'gold')).json.message).toBe(
      `persistentvolumeclaims "b" is forbidden: exceeded quota: q, requested: ${ofClass}=2Gi, used: ${ofClass}=2Gi, limited: ${ofClass}=3Gi`,
    );
    expect((await claim('b', '8Gi')).status).toBe(201);
    expect(await usedIn(ns)).toEqual({ persistentvolumeclaims: '2', 'requests.storage': '10Gi', [ofClass]: '2Gi' });
  });

  test('all quotas of a namespace hold', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { pods: '5' } }, {}, 'wide');
    await quota(ns, { hard: { pods: '1' } }, {}, 'narrow');
    await pod(ns, 'a');
    expect((await pod(ns, 'b')).json.message).toContain('exceeded quota: narrow');
    expect(await usedIn(ns, 'wide')).toEqual({ pods: '1' });
  });
});

describe('many writes at once', () => {
  const tries = Array.from({ length: 100 }, (_, i) => `p-${i}`);

  test('a hundred creates against a quota of ten give exactly ten', async () => {
    const ns = await namespace();
    await quota(ns, { hard: { pods: '10', cpu: '1' } });
    const answers = await Promise.all(tries.map((name) => pod(ns, name, { requests: { cpu: '50m' } })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(90);
    expect(await usedIn(ns)).toEqual({ pods: '10', cpu: '500m' });
    const { json } = await server.http('GET', `/api/v1/namespaces/${ns}/pods`);
    expect(json.items).toHaveLength(10);
  });

  test('so they do on two servers with one store', async () => {
    // Each closes the store that they share, so it is not that of the other tests.
    await using first = await startTestServer();
    await using second = await startTestServer({ store: first.store, namespaces: [] });
    const object = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { pods: '10' } } };
    const path = '/api/v1/namespaces/default/resourcequotas';
    const counted = { ...(await first.http('POST', path, object)).json, status: { hard: { pods: '10' }, used: { pods: '0' } } };
    await first.http('PUT', `${path}/q/status`, counted);
    const isCounted = async (): Promise<void> =>
      expect((await second.http('GET', `${path}/q`)).json).toMatchObject({ status: counted.status });
    await vi.waitFor(isCounted, { timeout: 20_000 });
    const spec = { containers: [{ name: 'c', image: 'x' }] };
    const create = (name: string, on: TestServer): Promise<HttpAnswer> =>
      on.http('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
    const answers = await Promise.all(tries.map((name, i) => create(name, i % 2 === 0 ? first : second)));
    const made = answers.filter(({ status }) => status === 201).length;
    const { json } = await first.http('GET', '/api/v1/namespaces/default/pods');
    expect(json.items).toHaveLength(made);
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(10);
    expect((await first.http('GET', `${path}/q`)).json).toMatchObject({ status: { used: { pods: String(made) } } });
  });
});

describe('limited resources', () => {
  test('are had only where a quota speaks of them', async () => {
    const limitedResources = [
      { resource: 'services', matchContains: ['services.loadbalancers'] },
      { resource: 'pods', matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-cluster-critical'] }] },
    ];
    const configuration = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'ResourceQuotaConfiguration', limitedResources };
    await using strict = await startTestServer({
      extensions: standardExtensions({
        serverAddress: () => '',
        version: { knarrVersion: '0' },
        admission: { disabled: ['ServiceAccount'], configuration: new Map([['ResourceQuota', configuration]]) },
      }),
    });
    const priority = {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'system-cluster-critical' },
      value: 2_000_000_000,
    };
    await strict.http('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', priority);
    const service = (type: string): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: type.toLowerCase() },
      spec: { type, ports: [{ port: 1 }] },
    });
    expect((await strict.http('POST', '/api/v1/namespaces/default/services', service('ClusterIP'))).status).toBe(201);
    expect((await strict.http('POST', '/api/v1/namespaces/default/services', service('LoadBalancer'))).json.message).toBe(
      'services "loadbalancer" is forbidden: insufficient quota to consume: services.loadbalancers',
    );
    const critical = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { priorityClassName: 'system-cluster-critical', containers: [{ name: 'c', image: 'x' }] },
    };
    expect((await strict.http('POST', '/api/v1/namespaces/default/pods', critical)).json.message).toBe(
      'pods "p" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [system-cluster-critical]}]',
    );
  });
});
