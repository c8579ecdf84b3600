import { describe, expect, test } from 'vitest';
import { sleeper } from '../../e2e/manifests.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('apimachinery/resource_quota', () => {
  const cluster = useCluster('conformance-quota');
  /** Each test in a namespace of its own: every quota of a namespace counts. */
  const inNamespace = async (name: string, run: (namespace: QuotaNamespace) => Promise<void>): Promise<void> => {
    const path = `/api/v1/namespaces/${cluster.namespace}-${name}`;
    await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: `${cluster.namespace}-${name}` } });
    try {
      await eventually(() => cluster.api('GET', `${path}/serviceaccounts/default`));
      await run(new QuotaNamespace(cluster, path));
    } finally {
      await cluster.api('DELETE', path);
    }
  };

  test('ResourceQuota, object count quota, resourcequotas', () =>
    inNamespace('itself', async (namespace) => {
      await namespace.createQuota('test', { hard: { resourcequotas: '2', pods: '5' } });
      await namespace.used('test', { resourcequotas: '1', pods: '0' });
      await namespace.createQuota('second', { hard: { pods: '1' } });
      await namespace.used('test', { resourcequotas: '2' });
      const refused = await namespace.post('resourcequotas', { metadata: { name: 'third' }, spec: { hard: { pods: '1' } } });
      expect(refused.status).toBe(403);
      expect(refused.json.message).toBe(
        'resourcequotas "third" is forbidden: exceeded quota: test, requested: resourcequotas=1, used: resourcequotas=2, limited: resourcequotas=2',
      );
    }));

  test('ResourceQuota, object count quota, service', () =>
    inNamespace('services', async (namespace) => {
      await namespace.createQuota('test', { hard: { services: '10', 'services.nodeports': '1', 'services.loadbalancers': '1' } });
      await namespace.used('test', { services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
      const service = (name: string, type: string, spec = {}): Json => ({
        metadata: { name },
        spec: { type, ports: [{ port: 80 }], selector: { a: 'b' }, ...spec },
      });
      expect((await namespace.post('services', service('cluster-ip', 'ClusterIP'))).status).toBe(201);
      expect((await namespace.post('services', service('node-port', 'NodePort'))).status).toBe(201);
      await namespace.used('test', { services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' });
      // A load balancer takes a node port as well, of which there is none left.
      const refused = await namespace.post('services', service('balancer', 'LoadBalancer'));
      expect(refused.status).toBe(403);
      expect(refused.json.message).toContain(
        'exceeded quota: test, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
      );
      expect((await namespace.post('services', service('bare', 'LoadBalancer', { allocateLoadBalancerNodePorts: false }))).status).toBe(
        201,
      );
      await namespace.used('test', { services: '3', 'services.nodeports': '1', 'services.loadbalancers': '1' });
      for (const name of ['cluster-ip', 'node-port', 'bare']) await namespace.remove('services', name);
      await namespace.used('test', { services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
    }));

  const counts =
    (
      resource: string,
      create: (namespace: QuotaNamespace) => Promise<Json>,
      options: { readonly group?: string; readonly before?: number } = {},
    ) =>
    async (namespace: QuotaNamespace): Promise<void> => {
      const { group = '', before = 0 } = options;
      const key = group === '' ? resource : `count/${resource}.${group}`;
      await namespace.createQuota('test', { hard: { [key]: String(before + 1) } });
      await namespace.used('test', { [key]: String(before) });
      const { metadata } = await create(namespace);
      await namespace.used('test', { [key]: String(before + 1) });
      await expect(create(namespace)).rejects.toThrow(
        `exceeded quota: test, requested: ${key}=1, used: ${key}=${before + 1}, limited: ${key}=${before + 1}`,
      );
      await namespace.remove(resource, metadata.name, group);
      await namespace.used('test', { [key]: String(before) });
    };

  test('ResourceQuota, object count quota, secret', () =>
    inNamespace(
      'secrets',
      counts('secrets', (namespace) => namespace.create('secrets', { metadata: { generateName: 'test-' }, stringData: { a: 'b' } })),
    ));

  test('ResourceQuota, object count quota, configmap', () =>
    inNamespace('configmaps', async (namespace) => {
      // The cluster's own authority is there from the beginning.
      const before = await eventually(async () => {
        const { items } = await namespace.get('configmaps');
        expect(items.map(({ metadata }: Json) => metadata.name)).toContain('kube-root-ca.crt');
        return items.length as number;
      });
      const create = (own: QuotaNamespace): Promise<Json> =>
        own.create('configmaps', { metadata: { generateName: 'test-' }, data: { a: 'b' } });
      await counts('configmaps', create, { before })(namespace);
    }));

  test('ResourceQuota, object count quota, replicationController', () =>
    inNamespace(
      'controllers',
      counts('replicationcontrollers', (namespace) =>
        namespace.create('replicationcontrollers', {
          metadata: { generateName: 'test-' },
          spec: {
            replicas: 0,
            selector: { a: 'b' },
            template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } },
          },
        }),
      ),
    ));

  test('ResourceQuota, object count quota, replicaSet', () =>
    inNamespace(
      'replicasets',
      counts(
        'replicasets',
        (namespace) =>
          namespace.create(
            'replicasets',
            {
              metadata: { generateName: 'test-' },
              spec: {
                replicas: 0,
                selector: { matchLabels: { a: 'b' } },
                template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } },
              },
            },
            'apps',
          ),
        { group: 'apps' },
      ),
    ));

  const pod = (name: string, requests: Json = {}, more: { readonly limits?: Json; readonly spec?: Json } = {}): Json => {
    const made: Json = JSON.parse(sleeper(name));
    Object.assign(made.spec, more.spec);
    made.spec.containers[0].resources = { requests, ...(more.limits && { limits: more.limits }) };
    return made;
  };

  test('ResourceQuota, object count quota, pod', () =>
    inNamespace('pods', async (namespace) => {
      await namespace.createQuota('test', {
        hard: { pods: '5', cpu: '1', memory: '500Mi', 'ephemeral-storage': '50Gi', 'requests.example.com/dongle': '3' },
      });
      const dongles = (count: number): Json => ({ requests: { 'example.com/dongle': String(count) } });
      const requests = (cpu: string, memory: string, more: Json = {}): Json => ({ cpu, memory, 'ephemeral-storage': '30Gi', ...more });
      await namespace.used('test', { pods: '0', cpu: '0', memory: '0' });
      const first = requests('500m', '252Mi', dongles(2).requests);
      expect((await namespace.post('pods', pod('first', first, { limits: { 'example.com/dongle': '2' } }))).status).toBe(201);
      await namespace.used('test', {
        pods: '1',
        cpu: '500m',
        memory: '252Mi',
        'ephemeral-storage': '30Gi',
        'requests.example.com/dongle': '2',
      });
      const tooMuch = await namespace.post('pods', pod('too-much', requests('600m', '100Mi', { 'ephemeral-storage': '10Gi' })));
      expect(tooMuch.status).toBe(403);
      expect(tooMuch.json.message).toContain('exceeded quota: test, requested: cpu=600m, used: cpu=500m, limited: cpu=1');
      const tooMany = await namespace.post(
        'pods',
        pod('too-many', requests('100m', '100Mi', { 'ephemeral-storage': '10Gi', ...dongles(2).requests }), {
          limits: { 'example.com/dongle': '2' },
        }),
      );
      expect(tooMany.status).toBe(403);
      expect(tooMany.json.message).toContain(
        'requested: requests.example.com/dongle=2, used: requests.example.com/dongle=2, limited: requests.example.com/dongle=3',
      );
      // Who counts by requests must hear of them.
      const silent = await namespace.post('pods', pod('silent'));
      expect(silent.status).toBe(403);
      expect(silent.json.message).toContain('failed quota: test: must specify cpu for: main; memory for: main');
      // Labels may change, what was asked for counts as before.
      await cluster.api('PATCH', `${namespace.path}/pods/first`, { metadata: { labels: { a: 'b' } } }, mergePatch);
      await namespace.used('test', { pods: '1', cpu: '500m' });
      await namespace.remove('pods', 'first');
      await namespace.used('test', { pods: '0', cpu: '0', memory: '0', 'ephemeral-storage': '0', 'requests.example.com/dongle': '0' });
    }));

  test('ResourceQuota, quota scope, Terminating and NotTerminating scope', () =>
    inNamespace('terminating', async (namespace) => {
      const hard = { pods: '5' };
      await namespace.createQuota('terminating', { hard, scopes: ['Terminating'] });
      await namespace.createQuota('not-terminating', { hard, scopes: ['NotTerminating'] });
      await namespace.used('terminating', { pods: '0' });
      await namespace.used('not-terminating', { pods: '0' });
      await namespace.create('pods', pod('endless'));
      await namespace.used('not-terminating', { pods: '1' });
      await namespace.used('terminating', { pods: '0' });
      await namespace.remove('pods', 'endless');
      await namespace.used('not-terminating', { pods: '0' });
      await namespace.create('pods', pod('ending', {}, { spec: { activeDeadlineSeconds: 3600 } }));
      await namespace.used('terminating', { pods: '1' });
      await namespace.used('not-terminating', { pods: '0' });
      await namespace.remove('pods', 'ending');
      await namespace.used('terminating', { pods: '0' });
    }));

  test('ResourceQuota, quota scope, BestEffort and NotBestEffort scope', () =>
    inNamespace('best-effort', async (namespace) => {
      const hard = { pods: '5' };
      await namespace.createQuota('best-effort', { hard, scopes: ['BestEffort'] });
      await namespace.createQuota('not-best-effort', { hard, scopes: ['NotBestEffort'] });
      await namespace.used('best-effort', { pods: '0' });
      await namespace.used('not-best-effort', { pods: '0' });
      await namespace.create('pods', pod('effort'));
      await namespace.used('best-effort', { pods: '1' });
      await namespace.used('not-best-effort', { pods: '0' });
      await namespace.remove('pods', 'effort');
      await namespace.used('best-effort', { pods: '0' });
      await namespace.create('pods', pod('burst', { cpu: '10m' }, { limits: { cpu: '20m', memory: '64Mi' } }));
      await namespace.used('not-best-effort', { pods: '1' });
      await namespace.used('best-effort', { pods: '0' });
      await namespace.remove('pods', 'burst');
      await namespace.used('not-best-effort', { pods: '0' });
    }));

  test('ResourceQuota, update and delete', () =>
    inNamespace('update', async (namespace) => {
      const created = await namespace.createQuota('test', { hard: { cpu: '1', memory: '500Mi' } });
      expect(created.spec.hard).toEqual({ cpu: '1', memory: '500Mi' });
      expect((await namespace.get('resourcequotas/test')).spec.hard).toEqual(created.spec.hard);
      const updated = await eventually(async () => {
        const current = await namespace.get('resourcequotas/test');
        current.spec.hard = { cpu: '2', memory: '1Gi' };
        return cluster.api('PUT', `${namespace.path}/resourcequotas/test`, current);
      });
      expect(updated.spec.hard).toEqual({ cpu: '2', memory: '1Gi' });
      await eventually(async () => expect((await namespace.get('resourcequotas/test')).status.hard).toEqual({ cpu: '2', memory: '1Gi' }));
      await namespace.remove('resourcequotas', 'test');
      expect((await cluster.request('GET', `${namespace.path}/resourcequotas/test`)).status).toBe(404);
    }));

  test('ResourceQuota, manage lifecycle of a ResourceQuota', () =>
    inNamespace('lifecycle', async (namespace) => {
      const labels = { 'e2e-rq-label': 'lifecycle' };
      await namespace.create('resourcequotas', { metadata: { name: 'test', labels }, spec: { hard: { cpu: '1', memory: '500Mi' } } });
      expect((await namespace.get('resourcequotas/test')).spec.hard).toEqual({ cpu: '1', memory: '500Mi' });
      const everywhere = await cluster.api('GET', '/api/v1/resourcequotas?labelSelector=e2e-rq-label%3Dlifecycle');
      expect(everywhere.items).toHaveLength(1);
      const patch = { metadata: { labels: { patched: 'yes' } }, spec: { hard: { memory: '750Mi' } } };
      const patched = await cluster.api('PATCH', `${namespace.path}/resourcequotas/test`, patch, mergePatch);
      expect(patched.metadata.labels).toEqual({ ...labels, patched: 'yes' });
      expect(patched.spec.hard).toEqual({ cpu: '1', memory: '750Mi' });
      await cluster.api('DELETE', `${namespace.path}/resourcequotas?labelSelector=e2e-rq-label%3Dlifecycle`);
      expect((await namespace.get('resourcequotas')).items).toEqual([]);
    }));

  test('ResourceQuota, apply changes to a ResourceQuota status', () =>
    inNamespace('status', async (namespace) => {
      await namespace.createQuota('test', { hard: { cpu: '500m', memory: '500Mi' } });
      await namespace.used('test', { cpu: '0', memory: '0' });
      const path = `${namespace.path}/resourcequotas/test`;
      await eventually(async () => {
        const current = await cluster.api('GET', `${path}/status`);
        current.status.hard = { ...current.status.hard, cpu: '2' };
        const updated = await cluster.api('PUT', `${path}/status`, current);
        expect(updated.status.hard.cpu).toBe('2');
        expect(updated.spec.hard.cpu).toBe('500m');
      });
      const patched = await cluster.api('PATCH', `${path}/status`, { status: { hard: { memory: '1Gi' } } }, mergePatch);
      expect(patched.status.hard).toEqual({ cpu: '2', memory: '1Gi' });
      expect(patched.spec.hard).toEqual({ cpu: '500m', memory: '500Mi' });
      // What the status says is the controller's: the next change of the spec sets it right.
      await cluster.api('PATCH', path, { spec: { hard: { cpu: '700m' } } }, mergePatch);
      await eventually(async () => expect((await cluster.api('GET', path)).status.hard).toEqual({ cpu: '700m', memory: '500Mi' }));
    }));
});

/** A namespace and the quotas in it. */
class QuotaNamespace {
  readonly path: string;
  readonly #cluster: ReturnType<typeof useCluster>;

  constructor(cluster: ReturnType<typeof useCluster>, path: string) {
    this.#cluster = cluster;
    this.path = path;
  }

  async createQuota(name: string, spec: Json): Promise<Json> {
    const quota = await this.create('resourcequotas', { metadata: { name }, spec });
    await eventually(async () => expect((await this.get(`resourcequotas/${name}`)).status.hard).toEqual(spec.hard));
    return quota;
  }

  /** Waits until a quota counts so much of what is named. */
  used(quota: string, used: Readonly<Record<string, string>>): Promise<void> {
    return eventually(async () => expect((await this.get(`resourcequotas/${quota}`)).status.used).toMatchObject(used));
  }

  post(resource: string, object: Json, group = ''): ReturnType<ReturnType<typeof useCluster>['request']> {
    return this.#cluster.request('POST', this.#collection(resource, group), object);
  }

  create(resource: string, object: Json, group = ''): Promise<Json> {
    return this.#cluster.api('POST', this.#collection(resource, group), object);
  }

  get(rest: string): Promise<Json> {
    return this.#cluster.api('GET', `${this.path}/${rest}`);
  }

  remove(resource: string, name: string, group = ''): Promise<Json> {
    return this.#cluster.api('DELETE', `${this.#collection(resource, group)}/${name}`, { gracePeriodSeconds: 0 });
  }

  #collection(resource: string, group: string): string {
    return `${group === '' ? this.path : this.path.replace('/api/v1', `/apis/${group}/v1`)}/${resource}`;
  }
}
