/** Private keys: made, read and written as PEM (PKCS #8 out; PKCS #1 and SEC 1 too on the way in, as other tools write them). */
import { createPrivateKey, generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { PkiError } from './errors.ts';

/** ECDSA P-256 is made in a millisecond and verified by every client; RSA is for those that ask for it. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

const generate = promisify(generateKeyPair);

export async function generatePrivateKey(algorithm: KeyAlgorithm = 'ecdsa-p256'): Promise<KeyObject> {
  const [kind, size] = algorithm.split('-');
  const { privateKey } =
    kind === 'rsa'
      ? await generate('rsa', { modulusLength: Number(size) })
      : await generate('ec', { namedCurve: size === 'p384' ? 'P-384' : 'P-256' });
  return privateKey;
}

/** An elliptic key at once, for those who may not wait for another thread. */
export function generateEllipticKeySync(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}

/** @throws PkiError INVALID_KEY when the text is no unencrypted private key; `what` names it */
export function readPrivateKey(pem: string, what = 'private key'): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new PkiError('INVALID_KEY', `${what} is not a private key in PEM`, { cause });
  }
}
