/**
 * The door to @peculiar/x509, loaded when the first certificate is made or request read: importing it takes longer than starting
 * the API server with certificates that exist.
 */
import type { KeyObject, webcrypto } from 'node:crypto';
import type * as x509 from '@peculiar/x509';

type X509Library = typeof x509;

let loading: Promise<X509Library> | undefined;

export function x509Library(): Promise<X509Library> {
  loading ??= load();
  return loading;
}

async function load(): Promise<X509Library> {
  // The library's dependency injection reads what this polyfill keeps.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

export type SigningAlgorithm = { readonly name: string; readonly hash: string };

/** How a key signs: the hash goes with its strength. */
export function signingAlgorithm(key: KeyObject): SigningAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return { name: 'ECDSA', hash: key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'SHA-384' : 'SHA-256' };
}

/** The key in the form that the library takes. */
export function cryptoKey(key: KeyObject): webcrypto.CryptoKey {
  const { name, hash } = signingAlgorithm(key);
  const usages: webcrypto.KeyUsage[] = [key.type === 'private' ? 'sign' : 'verify'];
  const namedCurve = hash === 'SHA-384' ? 'P-384' : 'P-256';
  return key.toCryptoKey(name === 'ECDSA' ? { name, namedCurve } : { name, hash }, true, usages);
}
