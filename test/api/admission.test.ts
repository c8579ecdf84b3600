/** What the admission plugins make of a write, over the whole road a request takes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources, isApiError, type KubeObject, type ResourceRef, type Unsaved } from '../../src/api/index.ts';
import { standardExtensions, type UserInfo } from '../../src/apiserver/index.ts';
import { createClient } from '../../src/client/index.ts';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

const { signal } = new AbortController();
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    namespaces: ['default', 'other', 'kube-node-lease'],
    extensions: standardExtensions({ serverAddress: () => '', version: { knarrVersion: '0' } }),
  });
  await post('/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
    imagePullSecrets: [{ name: 'registry' }],
  });
});
afterAll(() => server.close());

async function post(path: string, object: object): Promise<HttpAnswer> {
  return server.http('POST', path, object);
}

const pods = '/api/v1/namespaces/default/pods';

function pod(name: string, spec: object = {}, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec: { containers: [{ name: 'c', image: 'x' }], ...spec } };
}

describe('NamespaceLifecycle', () => {
  test('nothing is created in a namespace that does not exist', async () => {
    expect(
      (await post('/api/v1/namespaces/nowhere/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } })).json,
    ).toMatchObject({
      code: 404,
      message: 'namespaces "nowhere" not found',
    });
  });

  test('nothing is created in a namespace that is going', async () => {
    await server.http('DELETE', '/api/v1/namespaces/other');
    expect(
      (await post('/api/v1/namespaces/other/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } })).json,
    ).toMatchObject({
      code: 403,
      message: 'configmaps "c" is forbidden: unable to create new content in namespace other because it is being terminated',
      details: {
        causes: [{ reason: 'NamespaceTerminating', message: 'namespace other is being terminated', field: 'metadata.namespace' }],
      },
    });
  });

  test('the namespaces of the system stay', async () => {
    expect((await server.http('DELETE', '/api/v1/namespaces/default')).json.message).toBe(
      'namespaces "default" is forbidden: this namespace may not be deleted',
    );
  });
});

describe('ServiceAccount', () => {
  test('a pod runs as default, with its token mounted and its pull secrets', async () => {
    const { json } = await post(pods, pod('plain', { initContainers: [{ name: 'i', image: 'x' }] }));
    const [volume] = json.spec.volumes as { name: string; projected: object }[];
    expect(volume!.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    const mount = { name: volume!.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };
    expect(json.spec).toMatchObject({
      serviceAccountName: 'default',
      serviceAccount: 'default',
      imagePullSecrets: [{ name: 'registry' }],
      containers: [{ volumeMounts: [mount] }],
      initContainers: [{ volumeMounts: [mount] }],
    });
    expect(volume!.projected).toMatchObject({
      defaultMode: 420,
      sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }, {}, {}],
    });
  });

  test('whoever does not want the token gets none', async () => {
    const { json } = await post(pods, pod('bare', { automountServiceAccountToken: false }));
    expect(json.spec.volumes).toBeUndefined();
  });

  test('an account that does not exist is waited for a moment, then refused', async () => {
    expect((await post(pods, pod('', { serviceAccountName: 'nobody' }, { generateName: 'web-' }))).json.message).toBe(
      'pods "web-" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
    );
    await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'young' } });
    const waiting = post('/api/v1/namespaces/young/pods', pod('early'));
    await post('/api/v1/namespaces/young/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    expect((await waiting).status).toBe(201);
  });

  test.each<[object, string]>([
    [{ containers: undefined }, 'spec.containers: Required value'],
    [{ volumes: [null] }, 'spec.volumes[0].name: Required value'],
  ])('what validation refuses is left to it: %j', async (spec, fault) => {
    const { json } = await post(pods, pod('odd', spec));
    expect(json).toMatchObject({ code: 422, message: `Pod "odd" is invalid: ${fault}` });
  });

  test('a mirror pod uses nothing of the API', async () => {
    const mirror = pod('mirror', { serviceAccountName: 'default', nodeName: 'n' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
    expect((await post(pods, mirror)).json.message).toBe('pods "mirror" is forbidden: a mirror pod may not reference service accounts');
  });
});

describe('Priority', () => {
  const priorityClass = (name: string, value: number, rest: object = {}): object => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    ...rest,
  });
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';

  test('a pod has the priority of its class, else of the default class, else none', async () => {
    expect((await post(pods, pod('none'))).json.spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
    await post(classes, priorityClass('high', 100, { preemptionPolicy: 'Never' }));
    expect((await post(pods, pod('high', { priorityClassName: 'high' }))).json.spec).toMatchObject({
      priority: 100,
      preemptionPolicy: 'Never',
    });
    await post(classes, priorityClass('usual', 7, { globalDefault: true }));
    expect((await post(pods, pod('usual'))).json.spec).toMatchObject({ priority: 7, priorityClassName: 'usual' });
    expect((await post(classes, priorityClass('usual-too', 8, { globalDefault: true }))).json.message).toBe(
      'priorityclasses.scheduling.k8s.io "usual-too" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    );
  });

  test.each([
    [{ priorityClassName: 'nothing' }, 'no PriorityClass with name nothing was found'],
    [
      { priority: 5 },
      'the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 7 from the given PriorityClass name',
    ],
  ])('%j is refused', async (spec, message) => {
    expect((await post(pods, pod('odd', spec))).json.message).toBe(`pods "odd" is forbidden: ${message}`);
  });
});

test('a pod stays five minutes on a silent node unless it says otherwise', async () => {
  const { json } = await post(
    pods,
    pod('tolerant', { tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }] }),
  );
  expect(json.spec.tolerations).toEqual([
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  ]);
  const everything = await post(pods, pod('all-tolerant', { tolerations: [{ operator: 'Exists' }] }));
  expect(everything.json.spec.tolerations).toHaveLength(1);
});

test('a new node takes no pods yet', async () => {
  const { json } = await post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'new' } });
  expect(json.spec['taints']).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
});

test('a pod carries the zone of its node', async () => {
  const labels = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', other: 'x' };
  await post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'zoned', labels } });
  const placed = await post(pods, pod('placed', { nodeName: 'zoned' }, { labels: { 'topology.kubernetes.io/zone': 'own' } }));
  expect(placed.json.metadata.labels).toEqual({ 'topology.kubernetes.io/zone': 'own', 'topology.kubernetes.io/region': 'r' });
});

describe('RuntimeClass', () => {
  beforeAll(async () => {
    await post('/apis/node.k8s.io/v1/runtimeclasses', {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { memory: '64Mi' } },
      scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
  });

  test('writes what it costs and where it runs into the pod', async () => {
    const { json } = await post(pods, pod('vm', { runtimeClassName: 'vm', nodeSelector: { disk: 'ssd' } }));
    expect(json.spec).toMatchObject({ overhead: { memory: '64Mi' }, nodeSelector: { disk: 'ssd', vm: 'yes' } });
    expect(json.spec.tolerations).toContainEqual({ key: 'vm', operator: 'Exists' });
  });

  test.each([
    [{ runtimeClassName: 'nothing' }, 'pod rejected: RuntimeClass "nothing" not found'],
    [{ runtimeClassName: 'vm', overhead: { memory: '1Mi' } }, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"],
    [{ overhead: { memory: '1Mi' } }, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
    [
      { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
      'conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    ],
  ])('%j is refused', async (spec, message) => {
    expect((await post(pods, pod('odd', spec))).json.message).toBe(`pods "odd" is forbidden: ${message}`);
  });
});

describe('NodeRestriction', () => {
  const kubelet: UserInfo = { name: 'system:node:n', groups: ['system:nodes', 'system:authenticated'] };

  async function refusalOf<T extends KubeObject>(resource: ResourceRef<T>, object: Unsaved<T>): Promise<string> {
    try {
      await createClient(server.server.transport(kubelet)).create(resource, object, { signal });
      return '';
    } catch (error) {
      if (!isApiError(error)) throw error;
      return error.message;
    }
  }

  const node = (name: string, labels: Record<string, string> = {}): Unsaved<KubeObject> => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
  });
  const { nodes } = corev1Resources;

  test('a kubelet registers its own node, with labels that describe the machine', async () => {
    expect(await refusalOf(nodes, node('m') as never)).toBe('nodes "m" is forbidden: node "n" is not allowed to modify node "m"');
    expect(await refusalOf(nodes, node('n', { 'node-restriction.kubernetes.io/zone': 'a', 'example.com/a': 'b' }) as never)).toBe(
      'nodes "n" is forbidden: node "n" is not allowed to set the following labels: node-restriction.kubernetes.io/zone',
    );
    expect(await refusalOf(nodes, node('n', { 'kubernetes.io/hostname': 'n', 'node.kubernetes.io/pool': 'a' }) as never)).toBe('');
  });

  test('a kubelet creates mirror pods of its own node only', async () => {
    const { metadata } = await server.client.get(nodes, { name: 'n' }, { signal });
    const mirror = (spec: object, change: object = {}): never =>
      ({
        ...pod(
          'static',
          { nodeName: 'n', ...spec },
          {
            namespace: 'default',
            annotations: { 'kubernetes.io/config.mirror': 'x' },
            ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: metadata.uid, controller: true }],
            ...change,
          },
        ),
      }) as never;
    const refusal = (object: never): Promise<string> => refusalOf(corev1Resources.pods, object);
    expect(await refusal(mirror({}, { annotations: {} }))).toContain('node "n" can only create mirror pods');
    expect(await refusal(mirror({ nodeName: 'm' }))).toContain('node "n" can only create pods with spec.nodeName set to itself');
    expect(await refusal(mirror({}, { ownerReferences: [] }))).toContain(
      'node "n" can only create pods with an owner reference set to itself',
    );
    expect(await refusal(mirror({ volumes: [{ name: 'v', configMap: { name: 'c' } }] }))).toContain(
      'can not create pods that reference configmaps',
    );
    expect(await refusal(mirror({}))).toBe('');
  });

  test('a kubelet touches neither the taints of its node nor the pods of others', async () => {
    const client = createClient(server.server.transport(kubelet));
    const own = await client.get(nodes, { name: 'n' }, { signal });
    await expect(client.update(nodes, { ...own, spec: {} }, { signal })).rejects.toThrow('node "n" is not allowed to modify taints');
    await expect(client.delete(corev1Resources.pods, { namespace: 'default', name: 'plain' }, { signal })).rejects.toThrow(
      'node "n" can only delete pods with spec.nodeName set to itself',
    );
    const { json } = await server.http('GET', `${pods}/plain`);
    await expect(client.updateStatus(corev1Resources.pods, json, { signal })).rejects.toThrow(
      'node "n" can only update pod status for pods with spec.nodeName set to itself',
    );
  });
});
