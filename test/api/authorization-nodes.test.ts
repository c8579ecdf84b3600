/** What a node reaches by way of the pods on it: their Secrets, claims, volumes and tokens, and nothing of other nodes' pods. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type corev1, corev1Resources, isApiError, rbacv1Resources, type Unsaved } from '../../src/api/index.ts';
import { type UserInfo } from '../../src/apiserver/index.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

const { signal } = new AbortController();
const namespace = 'default';
const node = (name: string): UserInfo => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] });

let server: TestServer;
let podUid: string;
beforeAll(async () => {
  server = await startTestServer({
    extensions: testExtensions({
      subresources: {
        kubeletTls: () => ({ ca: '' }),
        signer: { issuer: 'https://test', audiences: ['https://test'], sign: () => 'token' },
      },
    }),
  });
  const { client } = server;
  await client.create(
    corev1Resources.serviceaccounts,
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace } },
    { signal },
  );
  const pod: Unsaved<corev1.Pod> = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace },
    spec: {
      nodeName: 'n1',
      serviceAccountName: 'robot',
      containers: [{ name: 'c', image: 'i', envFrom: [{ configMapRef: { name: 'settings' } }] }],
      volumes: [
        { name: 's', secret: { secretName: 'own' } },
        { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
        {
          name: 't',
          projected: { sources: [{ serviceAccountToken: { path: 'a', audience: 'vault' } }, { serviceAccountToken: { path: 'b' } }] },
        },
      ],
    },
  };
  podUid = (await client.create(corev1Resources.pods, pod, { signal })).metadata.uid;
  const volume: Unsaved<corev1.PersistentVolume> = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'disk' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      claimRef: { namespace, name: 'data' },
      csi: {
        driver: 'd',
        volumeHandle: 'h',
        nodeStageSecretRef: { name: 'stage', namespace: 'vaults' },
        controllerPublishSecretRef: { name: 'control', namespace: 'vaults' },
      },
    },
  };
  await client.create(corev1Resources.persistentvolumes, volume, { signal });
});
afterAll(() => server.close());

const none = "no relationship found between node 'n1' and this object";

describe('a node reads what its pods name', () => {
  test.each<[string, string | undefined]>([
    ['/api/v1/namespaces/default/secrets/own', undefined],
    ['/api/v1/namespaces/default/secrets/other', none],
    ['/api/v1/namespaces/vaults/secrets/stage', undefined],
    ['/api/v1/namespaces/vaults/secrets/control', none],
    ['/api/v1/namespaces/default/configmaps/settings', undefined],
    ['/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dsettings', undefined],
    ['/api/v1/namespaces/default/configmaps', 'No Object name found'],
    ['/api/v1/configmaps', 'can only read namespaced object of this type'],
    ['/api/v1/namespaces/default/persistentvolumeclaims/data', undefined],
    ['/api/v1/namespaces/default/persistentvolumeclaims', 'can only get individual resources of this type'],
    ['/api/v1/persistentvolumes/disk', undefined],
    ['/api/v1/persistentvolumes/other', none],
    ['/api/v1/namespaces/default/pods/p', undefined],
    ['/api/v1/namespaces/default/pods/q', none],
    ['/api/v1/pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['/api/v1/nodes', "node 'n1' cannot read all nodes, only its own Node object"],
    ['/api/v1/nodes/n3', "node 'n1' cannot read 'n3', only its own Node object"],
    ['/apis/coordination.k8s.io/v1/namespaces/default/leases/n1', 'can only access leases in the "kube-node-lease" system namespace'],
  ])('%s', async (path, reason) => {
    const ask = (name: string): ReturnType<TestServer['http']> =>
      server.http('GET', path, undefined, {
        headers: { 'impersonate-user': node(name).name, 'impersonate-group': [...node(name).groups] },
      });
    const { status, json } = await ask('n1');
    if (reason === undefined) expect(status).not.toBe(403);
    else
      expect(json).toMatchObject({
        code: 403,
        message: expect.stringMatching(new RegExp(`: ${reason.replace(/[()]/g, '\\$&')}$`)) as unknown,
      });
    expect((await ask('n2')).status).toBe(403);
  });
});

describe('a node gets tokens', () => {
  const ask = async (name: string, audiences: readonly string[]): Promise<string> => {
    const client: Client = createClient(server.server.transport(node(name)));
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: podUid };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec: { audiences, boundObjectRef } };
    try {
      await client.subresource(
        corev1Resources.serviceaccounts,
        { namespace, name: 'robot' },
        { verb: 'create', name: 'token', body },
        { signal },
      );
      return 'allowed';
    } catch (error) {
      if (!isApiError(error)) throw error;
      return error.message.replace(/^.*?: /, '');
    }
  };

  test('for its own pods and their audiences', async () => {
    expect(await ask('n1', [])).toBe('allowed');
    expect(await ask('n1', ['vault'])).toBe('allowed');
    expect(await ask('n1', ['bank'])).toBe('audience "bank" not found in pod spec volume');
    expect(await ask('n1', ['vault', 'bank'])).toBe('node may only request 0 or 1 audiences');
    expect(await ask('n2', ['vault'])).toMatch(/no relationship found between node 'n2' and this object$/);
  });

  test('for an audience that somebody allowed it', async () => {
    const { client } = server;
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: [''], resources: ['bank'], verbs: ['request-serviceaccounts-token-audience'] }];
    await client.create(rbacv1Resources.clusterroles, { apiVersion, kind: 'ClusterRole', metadata: { name: 'bank' }, rules }, { signal });
    const subjects = [{ kind: 'Group', name: 'system:nodes' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'bank' };
    await client.create(
      rbacv1Resources.clusterrolebindings,
      { apiVersion, kind: 'ClusterRoleBinding', metadata: { name: 'bank' }, roleRef, subjects },
      { signal },
    );
    expect(await ask('n1', ['bank'])).toBe('allowed');
  });
});
