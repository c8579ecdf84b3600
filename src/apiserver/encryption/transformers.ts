/** Which ciphers a store key has: by its resource, or by a wildcard of its group. The first of them writes, all read. */
import type { Random } from '../../base/index.ts';
import { groupResource, type ResourceEncryption } from './configuration.ts';
import { aesCbcCipher, aesGcmCipher, type Cipher, identityCipher } from './providers.ts';

/** The value at a key cannot be read with what is configured. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';

  constructor(storeKey: string, why: string, options?: ErrorOptions) {
    super(`unable to transform key ${JSON.stringify(storeKey)}: ${why}`, options);
  }
}

const encryptedPrefix = 'k8s:enc:';
const longestPrefix = 512;

/** The ciphers of one resource. */
export class ValueTransformer {
  readonly #writer: Cipher;
  readonly #ciphers: readonly Cipher[];

  constructor(ciphers: readonly Cipher[]) {
    this.#ciphers = ciphers;
    this.#writer = ciphers[0]!;
  }

  /** What a value that is written now begins with. */
  get prefix(): string {
    return this.#writer.prefix;
  }

  seal(value: Uint8Array, storeKey: string): Buffer {
    return this.#writer.seal(value, storeKey);
  }

  /** @throws DecryptionError */
  open(stored: Uint8Array, storeKey: string): { readonly value: Buffer; readonly prefix: string } {
    const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
    const head = bytes.subarray(0, longestPrefix).toString('latin1');
    const cipher = head.startsWith(encryptedPrefix)
      ? this.#ciphers.find(({ prefix }) => prefix !== '' && head.startsWith(prefix))
      : this.#ciphers.find(({ prefix }) => prefix === '');
    if (!cipher) {
      const isEncrypted = head.startsWith(encryptedPrefix);
      const why = isEncrypted ? `no matching key was found for the provided ${providerOf(head)} transformer` : 'no matching prefix found';
      throw new DecryptionError(storeKey, why);
    }
    try {
      return { value: cipher.open(bytes.subarray(Buffer.byteLength(cipher.prefix)), storeKey), prefix: cipher.prefix };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new DecryptionError(storeKey, 'the value was not written with the configured key, or was damaged', { cause: error });
    }
  }
}

/** All resources of a configuration. */
export class Transformers {
  readonly #byResource = new Map<string, ValueTransformer>();

  constructor(configuration: readonly ResourceEncryption[], random: Random) {
    const ciphers = new Map<string, Cipher[]>();
    for (const { resources, providers } of configuration) {
      const all = providers.flatMap((provider) => {
        if (provider.type === 'identity') return [identityCipher];
        const make = provider.type === 'aesgcm' ? aesGcmCipher : aesCbcCipher;
        return provider.keys.map((key) => make(key, random));
      });
      for (const resource of resources) {
        const { group, plural } = groupResource(resource);
        const name = `${plural}.${group}`;
        ciphers.set(name, [...(ciphers.get(name) ?? []), ...all]);
      }
    }
    for (const [name, all] of ciphers) this.#byResource.set(name, new ValueTransformer(all));
  }

  /** Undefined: the resource is stored as it is. */
  of(group: string, plural: string): ValueTransformer | undefined {
    return this.#byResource.get(`${plural}.${group}`) ?? this.#byResource.get(`*.${group}`) ?? this.#byResource.get('*.*');
  }
}

/** Whether a value says that it is encrypted. */
export function isEncrypted(stored: Uint8Array): boolean {
  // The letter `k`: what is stored as it is begins with a brace.
  return (
    stored[0] === 0x6b &&
    Buffer.from(stored.buffer, stored.byteOffset, Math.min(stored.byteLength, encryptedPrefix.length)).toString('latin1') ===
      encryptedPrefix
  );
}

function providerOf(head: string): string {
  return head.split(':')[2] ?? '';
}
