/**
 * The certificate of a TLS Secret, checked: that it parses, and that the key is the certificate's. What is handed on is written anew from
 * what was read, never the Secret's own bytes.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { corev1 } from '../api/index.ts';

/** A chain with its key, in one PEM text as the server reads it; or why there is none. */
export type TlsPair = { readonly type: 'pair'; readonly pem: string; readonly certificate: X509Certificate } | TlsFault;
export interface TlsFault {
  readonly type: 'fault';
  readonly message: string;
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g;
/** It becomes the name of a file. */
const namePattern = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
/** A chain is a few certificates; more is a mistake or worse. */
const maxChain = 10;

/** Secrets are shared and never change, so each version is read once. */
const known = new WeakMap<corev1.Secret, TlsPair>();

export function readTlsSecret(secret: corev1.Secret): TlsPair {
  const pair = known.get(secret) ?? read(secret);
  known.set(secret, pair);
  return pair;
}

function read(secret: corev1.Secret): TlsPair {
  if (!namePattern.test(secret.metadata.name)) return fault('has a name that is none');
  const [chain, keyText] = ['tls.crt', 'tls.key'].map((name) => decode(secret.data?.[name]));
  if (!chain) return fault('has no tls.crt');
  if (!keyText) return fault('has no tls.key');
  let certificates: X509Certificate[];
  let key: KeyObject;
  try {
    certificates = [...chain.matchAll(certificatePattern)].map(([pem]) => new X509Certificate(pem));
  } catch {
    return fault('has a tls.crt that cannot be read');
  }
  const [leaf] = certificates;
  if (!leaf) return fault('has no certificate in tls.crt');
  if (certificates.length > maxChain) return fault(`has more than ${maxChain} certificates in tls.crt`);
  try {
    key = createPrivateKey(keyText);
  } catch {
    return fault('has a tls.key that cannot be read');
  }
  if (!leaf.checkPrivateKey(key)) return fault('has a tls.key that does not belong to its tls.crt');
  const cert = certificates.map(String).join('');
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' });
  try {
    // What TLS itself refuses, such as a key that is too short.
    createSecureContext({ cert, key: keyPem });
  } catch (error) {
    return fault(`has a certificate that cannot be used: ${(error as Error).message}`);
  }
  return { type: 'pair', pem: `${cert}${keyPem}`, certificate: leaf };
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('latin1');
}

function fault(message: string): TlsFault {
  return { type: 'fault', message };
}
