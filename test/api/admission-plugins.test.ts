/** Plugins that are off unless they are wanted, over the whole road of a write; and which plugins can be wanted at all. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources, type KubeObject, type ResourceRef, type Unsaved } from '../../src/api/index.ts';
import { admissionPluginNames, readAdmissionConfiguration } from '../../src/apiserver/admission/index.ts';
import { admissionPlugins } from '../../src/apiserver/admission/plugin-table.ts';
import { parseFlags } from '../../src/apiserver/flags/index.ts';
import { standardExtensions, type UserInfo } from '../../src/apiserver/index.ts';
import { createClient } from '../../src/client/index.ts';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

const { signal } = new AbortController();

function serverWith(enabled: readonly string[], configuration: Readonly<Record<string, object>> = {}): Promise<TestServer> {
  const admission = { enabled, disabled: ['ServiceAccount'], configuration: new Map(Object.entries(configuration)) };
  return startTestServer({ extensions: standardExtensions({ serverAddress: () => '', version: { knarrVersion: '0' }, admission }) });
}

function pod(server: TestServer, name: string, spec: object = {}, namespace = 'default'): Promise<HttpAnswer> {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'x:1' }], ...spec } };
  return server.http('POST', `/api/v1/namespaces/${namespace}/pods`, object);
}

function annotate(server: TestServer, annotations: Record<string, string>): Promise<HttpAnswer> {
  const headers = { 'content-type': 'application/merge-patch+json' };
  return server.http('PATCH', '/api/v1/namespaces/default', { metadata: { annotations } }, { headers });
}

describe('which plugins run', () => {
  test('all of upstream are known, in its order', () => {
    expect(admissionPluginNames).toHaveLength(37);
    expect(admissionPluginNames.indexOf('LimitRanger')).toBeLessThan(admissionPluginNames.indexOf('ServiceAccount'));
    expect(admissionPluginNames.slice(-2)).toEqual(['ResourceQuota', 'AlwaysDeny']);
  });

  test('the flags know the same names', () => {
    expect(parseFlags({ 'disable-admission-plugins': [admissionPluginNames.join(',')] }).faults).toEqual([]);
  });

  test.each(admissionPlugins)('the flags know whether $name is built', ({ name, make }) => {
    const { faults } = parseFlags({ 'enable-admission-plugins': [name] });
    expect(faults).toEqual(make ? [] : [`enable-admission-plugins plugin "${name}" is not supported`]);
  });

  test.each([
    ['Nonsense', 'admission plugin "Nonsense" is unknown'],
    ['ImagePolicyWebhook', 'admission plugin ImagePolicyWebhook is not supported'],
    ['MutatingAdmissionWebhook', 'admission plugin MutatingAdmissionWebhook is not supported'],
    ['EventRateLimit', 'configuration of admission plugin "EventRateLimit": no kind "" is registered for version ""'],
  ])('%s cannot be wanted', async (name, why) => {
    await expect(serverWith([name])).rejects.toThrow(why);
  });
});

describe('the configuration file', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'knarr-admission-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const fileWith = (text: string): string => {
    const file = join(directory, 'admission.yaml');
    writeFileSync(file, text);
    return file;
  };
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n';

  test('configures plugins in itself and in files beside it', () => {
    writeFileSync(join(directory, 'limits.yaml'), 'limits: [1]');
    const file = fileWith(
      `${head}plugins:\n- name: PodSecurity\n  configuration: { kind: X }\n- name: EventRateLimit\n  path: limits.yaml\n- name: Priority\n`,
    );
    expect([...readAdmissionConfiguration(file)]).toEqual([
      ['PodSecurity', { kind: 'X' }],
      ['EventRateLimit', { limits: [1] }],
    ]);
  });

  test.each([
    ['kind: Odd', 'configuration of admission: no kind "Odd" is registered for version ""'],
    [`${head}plugin: []`, 'configuration of admission: plugin: unknown field'],
    [`${head}plugins: 1`, 'configuration of admission: plugins: must be a list'],
    [`${head}plugins: [{name: X, path: nowhere.yaml}]`, 'ENOENT'],
    ['{', 'unable to read admission control configuration from'],
  ])('%j is refused', (text, why) => {
    expect(() => readAdmissionConfiguration(fileWith(text))).toThrow(why);
  });
});

describe('plugins for pods', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await serverWith(['AlwaysPullImages', 'ExtendedResourceToleration', 'LimitPodHardAntiAffinityTopology', 'NamespaceExists']);
  });
  afterAll(() => server.close());

  test('AlwaysPullImages asks for every image again', async () => {
    const initContainers = [{ name: 'i', image: 'y', imagePullPolicy: 'Never' }];
    const { json } = await pod(server, 'pull', { initContainers });
    expect(json.spec).toMatchObject({ containers: [{ imagePullPolicy: 'Always' }], initContainers: [{ imagePullPolicy: 'Always' }] });
    expect((await pod(server, 'empty', { containers: undefined })).status).toBe(422);
  });

  test('ExtendedResourceToleration tolerates the taint of a device', async () => {
    const amounts = { 'example.com/gpu': '1', cpu: '1' };
    const containers = [{ name: 'c', image: 'x', resources: { requests: amounts, limits: amounts } }];
    const { json } = await pod(server, 'device', { containers });
    expect(json.spec.tolerations).toContainEqual({ key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' });
  });

  test('LimitPodHardAntiAffinityTopology keeps pods from claiming a zone', async () => {
    const affinity = (topologyKey: string): object => ({
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: {} }] } },
    });
    expect((await pod(server, 'zone', affinity('topology.kubernetes.io/zone'))).json.message).toBe(
      'pods "zone" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only key kubernetes.io/hostname is allowed',
    );
    expect((await pod(server, 'host', affinity('kubernetes.io/hostname'))).status).toBe(201);
  });
});

describe('PodNodeSelector', () => {
  const podNodeSelectorPluginConfig = { clusterDefaultNodeSelector: 'pool=usual', default: 'pool=usual,disk=ssd' };

  test('sends pods where their namespace belongs', async () => {
    await using server = await serverWith(['PodNodeSelector'], { PodNodeSelector: { podNodeSelectorPluginConfig } });
    expect((await pod(server, 'a', { nodeSelector: { disk: 'ssd' } })).json.spec.nodeSelector).toEqual({ pool: 'usual', disk: 'ssd' });
    expect((await pod(server, 'b', { nodeSelector: { pool: 'other' } })).json.message).toBe(
      'pods "b" is forbidden: pod node label selector conflicts with its namespace node label selector',
    );
    expect((await pod(server, 'c', { nodeSelector: { zone: 'a' } })).json.message).toBe(
      'pods "c" is forbidden: pod node label selector labels conflict with its namespace whitelist',
    );
    await annotate(server, { 'scheduler.alpha.kubernetes.io/node-selector': 'disk=ssd' });
    expect((await pod(server, 'd')).json.spec.nodeSelector).toEqual({ disk: 'ssd' });
  });
});

describe('PodTolerationRestriction', () => {
  test('gives pods what their namespace tolerates, and no more', async () => {
    await using server = await serverWith(['PodTolerationRestriction']);
    const toleration = (key: string, more: object = {}): object => ({ key, operator: 'Exists', effect: 'NoSchedule', ...more });
    const annotations = {
      'scheduler.alpha.kubernetes.io/defaultTolerations': JSON.stringify([toleration('team')]),
      'scheduler.alpha.kubernetes.io/tolerationsWhitelist': JSON.stringify([
        toleration('team'),
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
      ]),
    };
    await annotate(server, annotations);
    const { json } = await pod(server, 'a', { tolerations: [{ key: 'team', operator: 'Equal', value: 'x', effect: 'NoSchedule' }] });
    expect(json.spec.tolerations).toHaveLength(3);
    expect(json.spec.tolerations).toContainEqual(toleration('team'));
    expect((await pod(server, 'b', { tolerations: [toleration('other')] })).json.message).toBe(
      'pods "b" is forbidden: pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
    );
  });
});

describe('EventRateLimit', () => {
  const configuration = (limits: object[]): Record<string, object> => ({
    EventRateLimit: { apiVersion: 'eventratelimit.admission.k8s.io/v1alpha1', kind: 'Configuration', limits },
  });

  test('takes no more events than allowed', async () => {
    await using server = await serverWith(['EventRateLimit'], configuration([{ type: 'Namespace', qps: 1, burst: 2 }]));
    const event = (name: string): Promise<HttpAnswer> => {
      const involvedObject = { kind: 'Pod', namespace: 'default', name: 'p' };
      return server.http('POST', '/api/v1/namespaces/default/events', {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name },
        involvedObject,
      });
    };
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(event));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.json).toMatchObject({
      reason: 'TooManyRequests',
      message: 'Too many requests: limit reached on type Namespace for key default',
    });
  });

  test.each([
    [[], 'limits: Invalid value: null: must not be empty'],
    [
      [{ type: 'Odd', qps: 1, burst: 1 }],
      'limits[0].type: Unsupported value: "Odd": supported values: "Server", "Namespace", "User", "SourceAndObject"',
    ],
    [[{ type: 'Server', qps: 0, burst: 1 }], 'limits[0].qps: Invalid value: 0: must be positive'],
  ])('%j is refused', async (limits, why) => {
    await expect(serverWith(['EventRateLimit'], configuration(limits))).rejects.toThrow(why);
  });
});

describe('namespaces and everything', () => {
  test('NamespaceAutoProvision makes what is missing', async () => {
    await using server = await serverWith(['NamespaceAutoProvision']);
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } };
    expect((await server.http('POST', '/api/v1/namespaces/new/configmaps', map)).status).toBe(201);
    expect((await server.http('GET', '/api/v1/namespaces/new')).json.status.phase).toBe('Active');
    expect((await server.http('POST', '/api/v1/namespaces/other/configmaps?dryRun=All', map)).status).toBe(404);
  });

  test('AlwaysDeny lets nothing pass', async () => {
    await using server = await startTestServer({
      namespaces: [],
      extensions: standardExtensions({
        serverAddress: () => '',
        version: { knarrVersion: '0' },
        admission: { enabled: ['AlwaysDeny', 'AlwaysAdmit'] },
      }),
    });
    const map = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'm' } };
    expect((await server.http('POST', '/api/v1/namespaces', map)).json.message).toBe(
      'namespaces "m" is forbidden: admission control is denying all modifications',
    );
  });

  test('DenyServiceExternalIPs keeps services inside', async () => {
    await using server = await serverWith(['DenyServiceExternalIPs']);
    const path = '/api/v1/namespaces/default/services';
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { ports: [{ port: 1 }], externalIPs: ['192.0.2.1'] },
    };
    expect((await server.http('POST', path, service)).json.message).toBe(
      'services "s" is forbidden: Use of external IPs is denied by admission control',
    );
  });
});

test('OwnerReferencesPermissionEnforcement asks whether the owner may be bound', async () => {
  await using server = await serverWith(['OwnerReferencesPermissionEnforcement']);
  const owner = await server.client.create(
    corev1Resources.configmaps,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner', namespace: 'default' } },
    { signal },
  );
  const user: UserInfo = { name: 'jane', groups: ['system:authenticated'] };
  const rules = [
    { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'delete'] },
    { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['create'] },
  ];
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'some' };
  await server.http('POST', `${rbac}/roles`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'some' },
    rules,
  });
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }];
  const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'some' }, subjects, roleRef };
  await server.http('POST', `${rbac}/rolebindings`, binding);
  const client = createClient(server.server.transport(user));
  const create = <T extends KubeObject>(resource: ResourceRef<T>, name: string, blockOwnerDeletion?: boolean): Promise<T> => {
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
    const ownerReferences = [{ ...reference, ...(blockOwnerDeletion && { blockOwnerDeletion }) }];
    const object = { apiVersion: 'v1', kind: resource.kind, metadata: { name, namespace: 'default', ownerReferences } };
    return client.create(resource, object as unknown as Unsaved<T>, { signal });
  };
  await create(corev1Resources.secrets, 'a');
  await expect(create(corev1Resources.serviceaccounts, 'b')).rejects.toThrow(
    'serviceaccounts "b" is forbidden: cannot set an ownerRef on a resource you can\'t delete: , <nil>',
  );
  await expect(create(corev1Resources.secrets, 'c', true)).rejects.toThrow(
    'secrets "c" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can\'t set finalizers on: , <nil>',
  );
});
