/**
 * The keys of ServiceAccount tokens: signs and verifies JWTs, and publishes the public keys. Knows signatures only; what a token's
 * claims mean and whether they are in force is decided by the API server. Synchronous, so that virtual time can use it.
 * @source kubernetes pkg/serviceaccount/jwt.go, openidmetadata.go; RFC 7515, 7517, 7518
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { assert } from '../base/index.ts';
import { PkiError } from './errors.ts';
import { generatePrivateKey, privateKeyPem, readPrivateKey } from './private-key.ts';

/** Tokens whose signature was found good are remembered, because a busy client shows the same one with each request. */
const maxRemembered = 4096;

/** A public key as a JSON Web Key. */
export interface JsonWebKey {
  readonly use: 'sig';
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly [member: string]: string;
}

interface VerificationKey {
  readonly id: string;
  readonly algorithm: 'RS256' | 'ES256' | 'ES384';
  readonly publicKey: KeyObject;
}

export interface ServiceAccountKeyOptions {
  /** Private key, PEM: RSA or ECDSA; undefined: nothing is signed, only verified. */
  readonly signingKey?: string;
  /** More keys whose tokens are still believed, private or public, PEM: the old ones after a change. */
  readonly verificationKeys?: readonly string[];
}

/** Makes a signing key as kubeadm does: RSA, 2048 bits; PEM. */
export async function generateServiceAccountKey(): Promise<string> {
  return privateKeyPem(await generatePrivateKey('rsa-2048'));
}

export class ServiceAccountKeys {
  readonly #privateKey: KeyObject | undefined;
  readonly #keys: readonly VerificationKey[];
  readonly #header: string;
  readonly #remembered = new Map<string, unknown>();

  /** @throws PkiError INVALID_KEY when a key is unreadable or of a kind that tokens are not signed with */
  constructor(options: ServiceAccountKeyOptions) {
    const { signingKey, verificationKeys = [] } = options;
    this.#privateKey = signingKey === undefined ? undefined : readPrivateKey(signingKey, 'ServiceAccount signing key');
    const signing = this.#privateKey && verificationKey(createPublicKey(this.#privateKey));
    const others = verificationKeys.map((pem) => verificationKey(readPublicKey(pem))).filter(({ id }) => id !== signing?.id);
    this.#keys = signing ? [signing, ...others] : others;
    this.#header = signing ? encode({ alg: signing.algorithm, kid: signing.id }) : '';
  }

  /** The claims as a signed token. */
  sign(claims: object): string {
    assert(this.#privateKey, 'there is no key to sign with');
    const signed = `${this.#header}.${encode(claims)}`;
    const algorithm = this.#keys[0]!.algorithm;
    const signature = sign(hashOf(algorithm), Buffer.from(signed), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** The claims of a token that one of the keys signed; undefined for any other text. Nothing is said about what they claim. */
  verify(token: string): unknown {
    const known = this.#remembered.get(token);
    if (known !== undefined) return known;
    const claims = this.#verify(token);
    if (claims === undefined) return undefined;
    if (this.#remembered.size >= maxRemembered) this.#remembered.delete(this.#remembered.keys().next().value!);
    this.#remembered.set(token, claims);
    return claims;
  }

  /** The public keys, as `/openid/v1/jwks` serves them. */
  jwks(): { readonly keys: readonly JsonWebKey[] } {
    return {
      keys: this.#keys.map(({ id, algorithm, publicKey }) => ({
        use: 'sig',
        ...(publicKey.export({ format: 'jwk' }) as { kty: string; [member: string]: string }),
        kid: id,
        alg: algorithm,
      })),
    };
  }

  /** Names of the algorithms in use, sorted, as discovery tells them. */
  get algorithms(): readonly string[] {
    return [...new Set(this.#keys.map(({ algorithm }) => algorithm))].toSorted();
  }

  #verify(token: string): unknown {
    const [header, claims, signature, rest] = token.split('.');
    if (header === undefined || claims === undefined || signature === undefined || rest !== undefined) return undefined;
    const { alg, kid } = (decode(header) ?? {}) as { readonly alg?: unknown; readonly kid?: unknown };
    const bytes = Buffer.from(signature, 'base64url');
    // A text has one encoding only, so that the same token cannot be shown in several spellings.
    if (bytes.toString('base64url') !== signature) return undefined;
    const signed = Buffer.from(`${header}.${claims}`);
    const believed = this.#keys.some(
      ({ id, algorithm, publicKey }) =>
        // The key says which algorithm, never the token.
        alg === algorithm &&
        (kid === undefined || kid === id) &&
        verify(hashOf(algorithm), signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes),
    );
    return believed ? decode(claims) : undefined;
  }
}

function verificationKey(publicKey: KeyObject): VerificationKey {
  return { id: keyId(publicKey), algorithm: algorithmOf(publicKey), publicKey };
}

/** Derived so that it names the key without giving it away. */
function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

function algorithmOf(key: KeyObject): VerificationKey['algorithm'] {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return 'ES256';
  if (curve === 'secp384r1') return 'ES384';
  throw new PkiError('NOT_SUPPORTED', `ServiceAccount tokens are not signed with keys of type ${curve ?? key.asymmetricKeyType}`);
}

function hashOf(algorithm: VerificationKey['algorithm']): string {
  return algorithm === 'ES384' ? 'sha384' : 'sha256';
}

function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new PkiError('INVALID_KEY', 'ServiceAccount verification key is not a key in PEM', { cause });
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The JSON object in a part of a token; undefined when it is none. */
function decode(part: string): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
