import { createHash, createHmac, createPublicKey, verify as verifySignature } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { generatePrivateKey, privateKeyPem } from './private-key.ts';
import { generateServiceAccountKey, ServiceAccountKeys } from './service-account-keys.ts';

const claims = { iss: 'https://kubernetes.default.svc.cluster.local', sub: 'system:serviceaccount:default:default', exp: 1 };
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());

let pem: string;
let keys: ServiceAccountKeys;
beforeAll(async () => {
  pem = await generateServiceAccountKey();
  keys = new ServiceAccountKeys({ signingKey: pem });
});

describe('ServiceAccount keys', () => {
  test('sign RS256 tokens that name their key by the hash of its public half', () => {
    const token = keys.sign(claims);
    const [header, payload, signature] = token.split('.');
    const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    expect(decode(header!)).toEqual({ alg: 'RS256', kid: createHash('sha256').update(spki).digest('base64url') });
    expect(decode(payload!)).toEqual(claims);
    expect(verifySignature('sha256', Buffer.from(`${header}.${payload}`), createPublicKey(pem), Buffer.from(signature!, 'base64url'))).toBe(
      true,
    );
    expect(keys.verify(token)).toEqual(claims);
    expect(keys.verify(token)).toEqual(claims);
  });

  test('publish what verifies their tokens', () => {
    const { keys: published } = keys.jwks();
    expect(published).toEqual([{ use: 'sig', kty: 'RSA', kid: expect.any(String), alg: 'RS256', n: expect.any(String), e: 'AQAB' }]);
    const [header, payload, signature] = keys.sign(claims).split('.');
    const publicKey = createPublicKey({ key: published[0]!, format: 'jwk' });
    expect(verifySignature('sha256', Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature!, 'base64url'))).toBe(true);
  });

  test('believe nothing that they did not sign', async () => {
    const token = keys.sign(claims);
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const { kid } = decode(header) as { kid: string };
    const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' });
    const hmacHeader = encode({ alg: 'HS256', kid });
    const hmac = createHmac('sha256', publicPem).update(`${hmacHeader}.${payload}`).digest('base64url');
    const other = new ServiceAccountKeys({ signingKey: await generateServiceAccountKey() });
    const forged = [
      '',
      'token',
      `${header}.${payload}`,
      `${token}.x`,
      `${header}.${encode({ ...claims, sub: 'system:admin' })}.${signature}`,
      `${encode({ alg: 'none', kid })}.${payload}.`,
      `${hmacHeader}.${payload}.${hmac}`,
      `${encode({ alg: 'RS256', kid: 'another' })}.${payload}.${signature}`,
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature.slice(0, -1)}`,
      ` ${token}`,
      other.sign(claims),
    ];
    for (const text of forged) expect([text, keys.verify(text)]).toEqual([text, undefined]);
  });

  test('go on believing the tokens of an old key after a change', async () => {
    const old = keys.sign(claims);
    const signingKey = await generateServiceAccountKey();
    const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' });
    const rotated = new ServiceAccountKeys({ signingKey, verificationKeys: [publicPem, signingKey] });
    expect([rotated.verify(old), keys.verify(rotated.sign(claims))]).toEqual([claims, undefined]);
    expect(rotated.jwks().keys).toHaveLength(2);
  });

  test.each([
    ['ecdsa-p256', 'ES256'],
    ['ecdsa-p384', 'ES384'],
  ] as const)('may be %s, and then sign %s', async (algorithm, name) => {
    const ecdsa = new ServiceAccountKeys({ signingKey: privateKeyPem(await generatePrivateKey(algorithm)) });
    const token = ecdsa.sign(claims);
    expect(ecdsa.verify(token)).toEqual(claims);
    expect(ecdsa.algorithms).toEqual([name]);
    expect(ecdsa.jwks().keys[0]).toMatchObject({ kty: 'EC', alg: name });
  });

  test('are refused when they are no keys', () => {
    expect(() => new ServiceAccountKeys({ signingKey: 'nonsense' })).toThrow('ServiceAccount signing key is not a private key in PEM');
    expect(() => new ServiceAccountKeys({ signingKey: pem, verificationKeys: ['nonsense'] })).toThrow('is not a key in PEM');
  });
});
