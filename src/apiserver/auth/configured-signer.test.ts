import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createPublicKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateServiceAccountKey, ServiceAccountKeys } from '../../pki/index.ts';
import { configuredSigner, type ServiceAccountSigner } from './configured-signer.ts';

const claims = { sub: 'x' };
let directory: string;
let own: ServiceAccountSigner;
let other: string;
const file = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'knarr-signer-'));
  const keys = new ServiceAccountKeys({ signingKey: await generateServiceAccountKey() });
  own = {
    issuer: 'https://own',
    audiences: ['https://own'],
    sign: (each) => keys.sign(each),
    verifySignature: (token) => keys.verify(token),
    publicKeys: keys,
  };
  other = await generateServiceAccountKey();
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('what ServiceAccount tokens are made with', () => {
  test('is the cluster’s own without flags', () => {
    expect(configuredSigner({}, own)).toMatchObject({ issuer: 'https://own', issuers: ['https://own'], audiences: ['https://own'] });
  });

  test('follows flags', () => {
    const flags = {
      'service-account-issuer': ['https://a', 'https://b'],
      'service-account-max-token-expiration': 7_200_000,
      'service-account-extend-token-expiration': false,
      'service-account-jwks-uri': 'https://keys',
    };
    expect(configuredSigner(flags, own)).toMatchObject({
      issuer: 'https://a',
      issuers: ['https://a', 'https://b'],
      audiences: ['https://a', 'https://b'],
      maxExpirationSeconds: 7200,
      extendExpiration: false,
      jwksUri: 'https://keys',
    });
    expect(configuredSigner({ ...flags, 'api-audiences': ['x'] }, own).audiences).toEqual(['x']);
  });

  test('may be another key, while what the cluster signed before is still believed', () => {
    const signer = configuredSigner({ 'service-account-signing-key-file': file('sa.key', other) }, own);
    expect(new ServiceAccountKeys({ signingKey: other }).verify(signer.sign({ ...claims }))).toEqual(claims);
    expect(signer.verifySignature(own.sign({ ...claims }))).toEqual(claims);
    expect((signer.publicKeys!.jwks() as { keys: object[] }).keys).toHaveLength(2);
  });

  test('may believe more keys than it signs with', async () => {
    const publicKey = createPublicKey(other).export({ type: 'spki', format: 'pem' });
    const third = await generateServiceAccountKey();
    const path = file('keys.pem', `${publicKey}\n${third}`);
    const signer = configuredSigner({ 'service-account-key-file': [path] }, own);
    for (const key of [other, third]) {
      expect(signer.verifySignature(new ServiceAccountKeys({ signingKey: key }).sign(claims))).toEqual(claims);
    }
    expect(own.verifySignature(signer.sign({ ...claims }))).toEqual(claims);
  });

  test('is refused when a file holds no key', () => {
    expect(() => configuredSigner({ 'service-account-key-file': [file('none', 'nonsense')] }, own)).toThrow('is not a key in PEM');
  });
});
