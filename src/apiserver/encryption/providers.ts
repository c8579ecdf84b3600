/**
 * The ciphers: how bytes become what is stored, and back. What is stored begins with who wrote it, `k8s:enc:aesgcm:v1:KEY:`, so that the
 * right key reads it. The key of the store is authenticated with AES-GCM: a value that was moved to another key does not read.
 * AES-GCM nonces are random 96-bit numbers: a key should not write more than about four thousand million values (NIST SP 800-38D, 8.3), so
 * that two are never the same; AES-CBC is not authenticated, and there for what was written before.
 * @source apiserver pkg/storage/value/encrypt/aes, v1.35
 */
import { createCipheriv, createDecipheriv, type CipherGCMTypes } from 'node:crypto';
import type { Random } from '../../base/index.ts';

export interface NamedKey {
  readonly name: string;
  /** 16, 24 or 32 bytes. */
  readonly secret: Buffer;
}

/** One key of one provider. */
export interface Cipher {
  /** What its values begin with; empty for identity. */
  readonly prefix: string;
  /** @param storeKey where the value is stored */
  seal(value: Uint8Array, storeKey: string): Buffer;
  /** @param sealed without the prefix. @throws Error when it was not written by this key, or for another store key */
  open(sealed: Buffer, storeKey: string): Buffer;
}

export const identityCipher: Cipher = {
  prefix: '',
  seal: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  open: (sealed) => sealed,
};

const nonceBytes = 12;
const tagBytes = 16;
const blockBytes = 16;

export function aesGcmCipher({ name, secret }: NamedKey, random: Random): Cipher {
  // The length of the secret was checked.
  const algorithm = `aes-${secret.length * 8}-gcm` as CipherGCMTypes;
  const prefix = `k8s:enc:aesgcm:v1:${name}:`;
  const head = Buffer.from(prefix);
  return {
    prefix,
    seal: (value, storeKey) => {
      const nonce = random.bytes(nonceBytes);
      const cipher = createCipheriv(algorithm, secret, nonce).setAAD(Buffer.from(storeKey));
      const body = cipher.update(value);
      const end = cipher.final();
      return Buffer.concat([head, nonce, body, end, cipher.getAuthTag()]);
    },
    open: (sealed, storeKey) => {
      if (sealed.length < nonceBytes + tagBytes) throw new Error('the stored data was shorter than the required size');
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv(algorithm, secret, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(storeKey));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      const body = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
      return Buffer.concat([body, decipher.final()]);
    },
  };
}

export function aesCbcCipher({ name, secret }: NamedKey, random: Random): Cipher {
  const algorithm = `aes-${secret.length * 8}-cbc`;
  const prefix = `k8s:enc:aescbc:v1:${name}:`;
  const head = Buffer.from(prefix);
  return {
    prefix,
    seal: (value) => {
      const iv = random.bytes(blockBytes);
      const cipher = createCipheriv(algorithm, secret, iv);
      const body = cipher.update(value);
      return Buffer.concat([head, iv, body, cipher.final()]);
    },
    open: (sealed) => {
      if (sealed.length < 2 * blockBytes || sealed.length % blockBytes !== 0)
        throw new Error('the stored data is not a multiple of the block size');
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, blockBytes));
      const body = decipher.update(sealed.subarray(blockBytes));
      return Buffer.concat([body, decipher.final()]);
    },
  };
}
