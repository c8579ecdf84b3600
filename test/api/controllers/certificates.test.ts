import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type certificatesv1, certificatesv1Resources, corev1Resources } from '../../../src/api/index.ts';
import { CertificateAuthority, createCertificateRequest, generatePrivateKey } from '../../../src/pki/index.ts';
import { systemClock } from '../../../src/base/index.ts';
import { startWorld, type World } from './world.ts';

const requests = certificatesv1Resources.certificatesigningrequests;
const kubeletClient = 'kubernetes.io/kube-apiserver-client-kubelet';
const clientUsages = ['digital signature', 'client auth'];
const only = [
  'certificatesigningrequest-approving-controller',
  'certificatesigningrequest-signing-controller',
  'certificatesigningrequest-cleaner-controller',
];

type Request = certificatesv1.CertificateSigningRequest;

interface Wanted {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly signerName?: string;
  readonly usages?: readonly string[];
  readonly expirationSeconds?: number;
}

const authority = CertificateAuthority.create({ clock: systemClock, commonName: 'test-ca' });

async function start(): Promise<World> {
  const ca = await authority;
  return startWorld({ only, signing: { authorityOf: () => ca } });
}

async function ask(world: World, name: string, wanted: Wanted): Promise<Request> {
  const { commonName, organizations = ['system:nodes'], dnsNames = [], signerName = kubeletClient, usages = clientUsages } = wanted;
  const key = await generatePrivateKey();
  const pem = await createCertificateRequest(key, { subject: { commonName, organizations: [...organizations] }, dnsNames });
  const { expirationSeconds } = wanted;
  const spec = {
    request: Buffer.from(pem).toString('base64'),
    signerName,
    usages,
    ...(expirationSeconds !== undefined && { expirationSeconds }),
  };
  return world.client.create(
    requests,
    { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec } as unknown as Request,
    { signal: world.signal },
  );
}

async function decide(world: World, name: string, type: 'Approved' | 'Denied'): Promise<void> {
  const current = await world.get(requests, name);
  const conditions = [{ type, status: 'True', reason: 'Test', message: 'by the test' }];
  const body = { ...current, status: { ...current.status, conditions } } as never;
  await world.client.subresource(requests, { name }, { name: 'approval', verb: 'update', body }, { signal: world.signal });
}

const stateOf = ({ status }: Request): unknown => [
  ...(status.conditions ?? []).map(({ reason }) => reason),
  status.certificate ? 'signed' : '',
];

/** Whole seconds between the two ends of an issued certificate. */
function secondsOf({ status }: Request): number {
  const { validFromDate, validToDate } = new X509Certificate(Buffer.from(status.certificate ?? '', 'base64'));
  return (validToDate.getTime() - validFromDate.getTime()) / 1000;
}

describe('requests for certificates', () => {
  it("approve themselves when they are a kubelet's and it may ask, and are signed", async () => {
    await using world = await start();
    await ask(world, 'node', { commonName: 'system:node:n1' });
    await world.until('signed', async () => (await world.get(requests, 'node')).status.certificate !== undefined);
    const done = await world.get(requests, 'node');
    expect(stateOf(done)).toEqual(['AutoApproved', 'signed']);
    expect(done.status.conditions?.[0]?.message).toBe('Auto approving kubelet client certificate after SubjectAccessReview.');
    const certificate = new X509Certificate(Buffer.from(done.status.certificate ?? '', 'base64'));
    expect(certificate.subject.split('\n').toSorted()).toEqual(['CN=system:node:n1', 'O=system:nodes']);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.verify(new X509Certificate((await authority).certificate).publicKey)).toBe(true);
  });

  it.each<[string, number | undefined, number]>([
    ['a year by default', undefined, 365 * 86_400],
    ['as long as was asked; a short life is not cut at its end', 3_600, 3_900],
    ['never longer than the signer grants', 10 * 365 * 86_400, 365 * 86_400],
  ])('last %s', async (_, expirationSeconds, seconds) => {
    await using world = await start();
    await ask(world, 'timed', { commonName: 'system:node:n1', ...(expirationSeconds !== undefined && { expirationSeconds }) });
    await world.until('signed', async () => (await world.get(requests, 'timed')).status.certificate !== undefined);
    expect(secondsOf(await world.get(requests, 'timed'))).toBe(seconds);
  });

  it.each<[string, Wanted, string]>([
    ['no node', { commonName: 'jane' }, 'subject common name does not begin with system:node:'],
    ['no group of nodes', { commonName: 'system:node:n', organizations: ['x'] }, 'subject organization is not system:nodes'],
    ['with a name of a host', { commonName: 'system:node:n', dnsNames: ['a.b'] }, 'DNS subjectAltNames are not allowed'],
    [
      'for other usages',
      { commonName: 'system:node:n', usages: ['client auth'] },
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [
      'serving without a name',
      { commonName: 'system:node:n', signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] },
      'DNS or IP subjectAltName is required',
    ],
    [
      "a client's certificate for a server",
      { commonName: 'jane', signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth', 'server auth'] },
      'invalid usage for client certificate: server auth',
    ],
  ])('that are wrong fail when they are approved: %s', async (_, wanted, message) => {
    await using world = await start();
    await ask(world, 'wrong', wanted);
    await world.clock.advance(5_000);
    expect(stateOf(await world.get(requests, 'wrong'))).toEqual(['']);
    await decide(world, 'wrong', 'Approved');
    await world.until('failed', async () => (await world.get(requests, 'wrong')).status.conditions?.length === 2);
    const { status } = await world.get(requests, 'wrong');
    expect(status.conditions?.[1]).toMatchObject({ type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message });
    expect(status.certificate).toBeUndefined();
  });

  it('of a foreign signer, and those denied, are left alone', async () => {
    await using world = await start();
    await ask(world, 'foreign', { commonName: 'x', signerName: 'example.com/signer' });
    await decide(world, 'foreign', 'Approved');
    await ask(world, 'denied', { commonName: 'x', signerName: 'kubernetes.io/kube-apiserver-client' });
    await decide(world, 'denied', 'Denied');
    await world.clock.advance(10_000);
    expect(stateOf(await world.get(requests, 'foreign'))).toEqual(['Test', '']);
    expect(stateOf(await world.get(requests, 'denied'))).toEqual(['Test', '']);
  });

  it('go when nobody needs them: pending after a day, decided after an hour', async () => {
    await using world = await start();
    await ask(world, 'pending', { commonName: 'x', signerName: 'kubernetes.io/kube-apiserver-client' });
    await ask(world, 'issued', { commonName: 'system:node:n1' });
    await ask(world, 'denied', { commonName: 'x', signerName: 'kubernetes.io/kube-apiserver-client' });
    await decide(world, 'denied', 'Denied');
    const names = async (): Promise<readonly string[]> => (await world.list(requests)).map(({ metadata }) => metadata.name);
    const gone = (name: string): Promise<void> => world.until(`${name} gone`, async () => !(await names()).includes(name), 100 * 3_600_000);
    await world.clock.advance(3_590_000);
    expect((await names()).length).toBe(3);
    await gone('denied');
    await gone('issued');
    expect(await names()).toEqual(['pending']);
    await world.clock.advance(22 * 3_600_000);
    expect(await names()).toEqual(['pending']);
    await world.clock.advance(2 * 3_600_000);
    await gone('pending');
  });
});

describe('Secrets with tokens', () => {
  const { secrets, serviceaccounts } = corev1Resources;
  const secret = (name: string, account: string) =>
    ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'default', annotations: { 'kubernetes.io/service-account.name': account } },
      type: 'kubernetes.io/service-account-token',
    }) as const;

  it('are filled for their account, and go with it', async () => {
    const signToken = (claims: object): string => JSON.stringify(claims);
    await using world = await startWorld({ only: ['serviceaccount-token-controller'], signToken, rootCa: 'PEM' });
    const { client, signal } = world;
    const metadata = { name: 'bot', namespace: 'default' };
    const account = await client.create(serviceaccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }, { signal });
    await client.create(secrets, secret('bot-token', 'bot'), { signal });
    await world.until('filled', async () => (await world.get(secrets, 'bot-token')).data?.['token'] !== undefined);
    const { data = {}, metadata: filled } = await world.get(secrets, 'bot-token');
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
    expect([text('namespace'), text('ca.crt')]).toEqual(['default', 'PEM']);
    expect(JSON.parse(text('token'))).toEqual({
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': 'default',
      'kubernetes.io/serviceaccount/secret.name': 'bot-token',
      'kubernetes.io/serviceaccount/service-account.name': 'bot',
      'kubernetes.io/serviceaccount/service-account.uid': account.metadata.uid,
      sub: 'system:serviceaccount:default:bot',
    });
    expect(filled.annotations?.['kubernetes.io/service-account.uid']).toBe(account.metadata.uid);
    await client.update(serviceaccounts, { ...(await world.get(serviceaccounts, 'bot')), secrets: [{ name: 'bot-token' }] }, { signal });
    await client.delete(secrets, { name: 'bot-token', namespace: 'default' }, { signal });
    await world.until(
      'not named any more',
      async () => (await world.get(serviceaccounts, 'bot')).secrets?.length === 0 || !(await world.get(serviceaccounts, 'bot')).secrets,
    );
    await client.create(secrets, secret('second', 'bot'), { signal });
    await world.until('filled', async () => (await world.get(secrets, 'second')).data?.['token'] !== undefined);
    await client.delete(serviceaccounts, metadata, { signal });
    await world.until('gone', async () => (await world.list(secrets)).length === 0);
  });

  it('of an account that is not there are taken away', async () => {
    await using world = await startWorld({ only: ['serviceaccount-token-controller'], signToken: () => 't' });
    await world.client.create(secrets, secret('orphan', 'nobody'), { signal: world.signal });
    await world.until('gone', async () => (await world.list(secrets)).length === 0);
  });
});

it('bootstrap tokens sign the information of the cluster, and go when they end', async () => {
  await using world = await startWorld({
    only: ['bootstrap-signer-controller', 'token-cleaner-controller'],
    namespaces: ['kube-system', 'kube-public'],
  });
  const { client, clock, signal } = world;
  const { configmaps, secrets } = corev1Resources;
  await client.create(
    configmaps,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-info', namespace: 'kube-public' }, data: { kubeconfig: 'k' } },
    { signal },
  );
  const data = {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-signing': 'true',
    expiration: new Date(clock.now() + 60_000).toISOString(),
  };
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system' };
  await client.create(
    secrets,
    { apiVersion: 'v1', kind: 'Secret', metadata, type: 'bootstrap.kubernetes.io/token', data: encoded },
    { signal },
  );
  const keys = async (): Promise<string[]> => Object.keys((await world.get(configmaps, 'cluster-info', 'kube-public')).data ?? {});
  await world.until('signed', async () => (await keys()).includes('jws-kubeconfig-abcdef'));
  await clock.advance(61_000);
  await world.until('token gone', async () => (await world.list(secrets, 'kube-system')).length === 0);
  await world.until('signature gone', async () => (await keys()).length === 1);
});
