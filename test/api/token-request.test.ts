/** `serviceaccounts/token`: what a request for a token may ask, what it gets and what it is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serviceAccountTokens } from '../../src/apiserver/index.ts';
import { generateServiceAccountKey, ServiceAccountKeys } from '../../src/pki/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

const issuer = 'https://kubernetes.default.svc';
const tokenOf = '/api/v1/namespaces/default/serviceaccounts/robot/token';
let server: TestServer;
let podUid: string;

beforeAll(async () => {
  const keys = new ServiceAccountKeys({ signingKey: await generateServiceAccountKey() });
  const signer = {
    issuer,
    audiences: [issuer, 'api'],
    maxExpirationSeconds: 7200,
    sign: (claims: object) => keys.sign(claims),
    publicKeys: keys,
  };
  server = await startTestServer({
    authentication: (host) => ({
      audiences: signer.audiences,
      tokens: [
        serviceAccountTokens({ issuers: [issuer], audiences: signer.audiences, verifySignature: (text) => keys.verify(text) })(host),
      ],
    }),
    extensions: testExtensions({
      subresources: { kubeletTls: () => ({ ca: '' }), signer },
    }),
  });
  const inDefault = (kind: string, body: object) => server.http('POST', `/api/v1/namespaces/default/${kind}`, body);
  await inDefault('serviceaccounts', { metadata: { name: 'robot' } });
  await inDefault('secrets', { metadata: { name: 's' } });
  await server.http('POST', '/api/v1/nodes', { metadata: { name: 'n' } });
  const spec = { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'robot', nodeName: 'n' };
  podUid = (await inDefault('pods', { metadata: { name: 'p' }, spec })).json.metadata.uid;
  await inDefault('pods', { metadata: { name: 'other' }, spec: { ...spec, serviceAccountName: 'somebody' } });
});
afterAll(() => server.close());

const ask = (spec: object, metadata: object = {}) =>
  server.http('POST', tokenOf, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata, spec });
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
const bound = (kind: string, name: string, more: object = {}): object => ({ boundObjectRef: { apiVersion: 'v1', kind, name, ...more } });

describe('a token request', () => {
  test('gets a token for an hour and for the API server', async () => {
    const { status, json } = await ask({});
    const claims = claimsOf(json.status.token as string);
    expect([status, json.spec.audiences, json.spec.expirationSeconds]).toEqual([201, [issuer, 'api'], 3600]);
    expect(json.metadata).toMatchObject({ name: 'robot', namespace: 'default' });
    expect(claims).toMatchObject({ iss: issuer, aud: [issuer, 'api'], sub: 'system:serviceaccount:default:robot' });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(3600);
    expect(Date.parse(json.status.expirationTimestamp as string) / 1000).toBe(claims['exp']);
  });

  test('that asks for longer than the server allows gets less, and is told', async () => {
    const { headers, json } = await ask({ expirationSeconds: 10_000 });
    expect(headers['warning']).toBe('299 - "requested expiration of 10000 seconds shortened to 7200 seconds"');
    const claims = claimsOf(json.status.token as string);
    expect([json.spec.expirationSeconds, Number(claims['exp']) - Number(claims['iat'])]).toEqual([7200, 7200]);
  });

  test('of a pod gets one that works for a year, and whose late use shows', async () => {
    const { json } = await ask({ expirationSeconds: 3607, ...bound('Pod', 'p') });
    const claims = claimsOf(json.status.token as string);
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(365 * 24 * 3600);
    const own = claims['kubernetes.io'] as Record<string, unknown>;
    expect(own).toMatchObject({ pod: { name: 'p', uid: podUid }, node: { name: 'n' }, warnafter: Number(claims['iat']) + 3607 });
    const elsewhere = claimsOf(
      (await ask({ audiences: ['vault'], expirationSeconds: 3607, ...bound('Pod', 'p') })).json.status.token as string,
    );
    expect(Number(elsewhere['exp']) - Number(elsewhere['iat'])).toBe(3607);
  });

  test.each(['Secret', 'Node'])('may be bound to a %s', async (kind) => {
    const { json } = await ask(bound(kind, kind === 'Node' ? 'n' : 's'));
    const claims = claimsOf(json.status.token as string)['kubernetes.io'] as Record<string, unknown>;
    expect(claims[kind.toLowerCase()]).toMatchObject({ uid: expect.any(String) as string });
  });

  test.each<[string, object, number, string]>([
    [
      'less than ten minutes',
      { expirationSeconds: 599 },
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    [
      'more than 2^32 seconds',
      { expirationSeconds: 2 ** 32 + 1 },
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
    ],
    ['a pod that is not there', bound('Pod', 'nope'), 404, 'pods "nope" not found'],
    ['a secret that is not there', bound('Secret', 'nope'), 404, 'secrets "nope" not found'],
    ['a node that is not there', bound('Node', 'nope'), 404, 'nodes "nope" not found'],
    [
      "somebody else's pod",
      bound('Pod', 'other', { uid: 'x' }),
      400,
      'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.',
    ],
    [
      'another pod of that name',
      bound('Pod', 'p', { uid: 'x' }),
      409,
      'Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
    ],
    ['something else', bound('ConfigMap', 'c'), 400, 'cannot bind token to object of type /v1, Kind=ConfigMap'],
  ])('that asks for %s is refused', async (_, spec, code, message) => {
    const { json } = await ask(spec);
    expect([json.code, json.message]).toEqual([code, message]);
  });

  test.each([
    [{ name: 'x' }, 'metadata.name: Invalid value: "x": must match the service account name if specified'],
    [{ namespace: 'x' }, 'metadata.namespace: Invalid value: "x": must match the service account namespace if specified'],
  ])('that names another account is refused: %o', async (metadata, message) => {
    const { json } = await ask({}, metadata);
    expect([json.code, json.message]).toEqual([422, expect.stringContaining(message)]);
  });

  test('for an account that is not there is refused', async () => {
    const { json } = await server.http('POST', tokenOf.replace('robot', 'nobody'), { spec: {} });
    expect([json.code, json.message]).toEqual([404, 'serviceaccounts "nobody" not found']);
  });
});
