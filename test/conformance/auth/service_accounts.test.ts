import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
const mounted = '/var/run/secrets/kubernetes.io/serviceaccount';

describe.skipIf(unavailable)('auth/service_accounts', () => {
  const cluster = useCluster('conformance-accounts');
  const accounts = cluster.path('v1', 'serviceaccounts');
  const run = async (name: string, spec: Json): Promise<void> => {
    await cluster.api('POST', cluster.path('v1', 'pods'), {
      metadata: { name },
      spec: {
        terminationGracePeriodSeconds: 0,
        ...spec,
        containers: [{ name: 'main', image: toolbox, args: ['-c', 'exec sleep 10000'], ...spec.container }],
        container: undefined,
      },
    });
    await cluster.kubectl(['wait', `pod/${name}`, '--for=condition=Ready', '--timeout=60s']);
  };
  const inPod = (name: string, command: string): Promise<string> => cluster.kubectl(['exec', name, '--', 'sh', '-c', command]);
  const claimsOf = (token: string): Json => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  const tokenOf = async (account: string, spec: Json = {}): Promise<string> =>
    (await cluster.api('POST', `${accounts}/${account}/token`, { spec })).status.token;

  test('Service Account Tokens Must AutoMount', async () => {
    await run('automount', {});
    const token = await inPod('automount', `cat ${mounted}/token`);
    expect((await inPod('automount', `cat ${mounted}/namespace`)).trim()).toBe(cluster.namespace);
    expect(await inPod('automount', `cat ${mounted}/ca.crt`)).toContain('BEGIN CERTIFICATE');
    const { status } = await cluster.api('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } });
    expect(status).toMatchObject({
      authenticated: true,
      user: {
        username: `system:serviceaccount:${cluster.namespace}:default`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${cluster.namespace}`, 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/pod-name': ['automount'] },
      },
    });
  });

  test('Service account tokens auto mount optionally', async () => {
    await cluster.api('POST', accounts, { metadata: { name: 'mount' } });
    await cluster.api('POST', accounts, { metadata: { name: 'nomount' }, automountServiceAccountToken: false });
    // The pod's word is the last, the account's stands when the pod says nothing.
    for (const [account, says, mounts] of [
      ['mount', undefined, true],
      ['mount', true, true],
      ['mount', false, false],
      ['nomount', undefined, false],
      ['nomount', true, true],
      ['nomount', false, false],
    ] as const) {
      const pod = await cluster.api('POST', `${cluster.path('v1', 'pods')}?dryRun=All`, {
        metadata: { generateName: 'pod-' },
        spec: {
          serviceAccountName: account,
          ...(says !== undefined && { automountServiceAccountToken: says }),
          containers: [{ name: 'main', image: toolbox }],
        },
      });
      const paths = (pod.spec.containers[0].volumeMounts ?? []).map(({ mountPath }: Json) => mountPath);
      expect(`${account} ${says} ${paths.includes(mounted)}`).toBe(`${account} ${says} ${mounts}`);
    }
  });

  test('TokenRequestProjection should mount a projected volume with token using TokenRequest API.', async () => {
    await run('projected', {
      serviceAccountName: 'default',
      securityContext: { runAsUser: 1000, fsGroup: 2000 },
      volumes: [
        {
          name: 'token',
          projected: { sources: [{ serviceAccountToken: { audience: 'e2e', expirationSeconds: 3600, path: 'token' } }] },
        },
      ],
      container: { volumeMounts: [{ name: 'token', mountPath: '/tokens', readOnly: true }] },
    });
    const token = await inPod('projected', 'cat /tokens/token');
    const claims = claimsOf(token);
    expect(claims).toMatchObject({ aud: ['e2e'], sub: `system:serviceaccount:${cluster.namespace}:default` });
    expect(claims.exp - claims.iat).toBe(3600);
    expect(claims['kubernetes.io']).toMatchObject({ namespace: cluster.namespace, pod: { name: 'projected' } });
    expect((await inPod('projected', 'stat -L -c "%a %g" /tokens/token')).trim()).toBe('640 2000');
  });

  test('OIDC Discovery (ServiceAccountIssuerDiscovery)', async () => {
    await cluster.api('POST', accounts, { metadata: { name: 'oidc' } });
    const token = await tokenOf('oidc', { audiences: ['oidc-discovery-test'] });
    // Any ServiceAccount may read who issues tokens and with which keys; it is what others check them by.
    const own = await tokenOf('oidc');
    const configuration = await cluster.api('GET', '/.well-known/openid-configuration', undefined, { token: own });
    const claims = claimsOf(token);
    expect(configuration.issuer).toBe(claims.iss);
    expect(configuration.response_types_supported).toEqual(['id_token']);
    expect(configuration.subject_types_supported).toEqual(['public']);
    const { keys } = await cluster.api('GET', new URL(configuration.jwks_uri).pathname, undefined, { token: own });
    const [head, body, signature] = token.split('.');
    const { kid, alg }: Json = JSON.parse(Buffer.from(head!, 'base64url').toString());
    expect(configuration.id_token_signing_alg_values_supported).toContain(alg);
    const key = keys.find((one: Json) => one.kid === kid);
    const publicKey = createPublicKey({ key, format: 'jwk' });
    const dsaEncoding = 'ieee-p1363' as const;
    expect(verify('sha256', Buffer.from(`${head}.${body}`), { key: publicKey, dsaEncoding }, Buffer.from(signature!, 'base64url'))).toBe(
      true,
    );
  });

  test('ServiceAccount, create and review token', async () => {
    await cluster.api('POST', accounts, { metadata: { name: 'reviewed' } });
    const response = await cluster.api('POST', `${accounts}/reviewed/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: 'reviewed', namespace: cluster.namespace },
      spec: { audiences: [], expirationSeconds: 600 },
    });
    expect(response.kind).toBe('TokenRequest');
    const expires = Date.parse(response.status.expirationTimestamp) - Date.now();
    expect(expires).toBeGreaterThan(500_000);
    expect(expires).toBeLessThan(700_000);
    const review = async (token: string, more: Json = {}): Promise<Json> =>
      (await cluster.api('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, ...more } })).status;
    expect(await review(response.status.token)).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${cluster.namespace}:reviewed` },
    });
    const forOthers = await tokenOf('reviewed', { audiences: ['others'] });
    expect((await review(forOthers)).authenticated ?? false).toBe(false);
    expect(await review(forOthers, { audiences: ['others', 'more'] })).toMatchObject({ authenticated: true, audiences: ['others'] });
    await cluster.api('DELETE', `${accounts}/reviewed`);
    await eventually(async () => expect((await review(response.status.token)).authenticated ?? false).toBe(false));
  });

  test('RootCA ConfigMap test', async () => {
    const path = cluster.path('v1', 'configmaps/kube-root-ca.crt');
    const first = await eventually(() => cluster.api('GET', path));
    expect(first.data['ca.crt']).toContain('BEGIN CERTIFICATE');
    await cluster.api('DELETE', path);
    await eventually(async () => {
      const again = await cluster.api('GET', path);
      expect(again.metadata.uid).not.toBe(first.metadata.uid);
      expect(again.data).toEqual(first.data);
    });
    await cluster.api('PATCH', path, { data: { 'ca.crt': 'nothing good' } }, mergePatch);
    await eventually(async () => expect((await cluster.api('GET', path)).data).toEqual(first.data));
  });

  test('ServiceAccount lifecycle test', async () => {
    const label = 'test-serviceaccount-static';
    const selector = `labelSelector=${label}%3Dtrue`;
    await using watch = await HeldWatch.open(cluster.transport(), `${accounts}?${selector}`);
    await cluster.api('POST', accounts, { metadata: { name: 'life', labels: { [label]: 'true' } } });
    expect((await watch.next()).type).toBe('ADDED');
    await cluster.api(
      'PATCH',
      `${accounts}/life`,
      { automountServiceAccountToken: false },
      {
        headers: { 'content-type': 'application/strategic-merge-patch+json' },
      },
    );
    const changed = await watch.next();
    expect(changed).toMatchObject({ type: 'MODIFIED', object: { automountServiceAccountToken: false } });
    const everywhere = await cluster.api('GET', `/api/v1/serviceaccounts?${selector}`);
    expect(everywhere.items.map(({ metadata }: Json) => metadata.name)).toEqual(['life']);
    await cluster.api('DELETE', `${accounts}?${selector}`);
    expect((await watch.next()).type).toBe('DELETED');
  });

  test('ServiceAccount, update a ServiceAccount', async () => {
    const created = await cluster.api('POST', accounts, { metadata: { name: 'update' } });
    expect(created.automountServiceAccountToken).toBeUndefined();
    const updated = await cluster.api('PUT', `${accounts}/update`, { ...created, automountServiceAccountToken: false });
    expect(updated.automountServiceAccountToken).toBe(false);
    expect((await cluster.api('GET', `${accounts}/update`)).automountServiceAccountToken).toBe(false);
  });
});
