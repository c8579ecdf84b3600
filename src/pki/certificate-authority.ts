/**
 * A certificate authority: a self-signed certificate with its key, and what it signs. Everything it makes is valid from five minutes
 * ago, since no two clocks agree, and never longer than itself.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Extension, Name, PublicKey } from '@peculiar/x509';
import { assert, type Clock, type Random, systemRandom } from '../base/index.ts';
import { type AltNames, type CertificateFacts, readCertificate, type Subject } from './certificate.ts';
import { type CertificateRequest, generalNames, nameOf, readCertificateRequest } from './certificate-request.ts';
import { PkiError } from './errors.ts';
import { usagesByName } from './key-usages.ts';
import { generatePrivateKey, type KeyAlgorithm, privateKeyPem, readPrivateKey } from './private-key.ts';
import { cryptoKey, signingAlgorithm, x509Library } from './x509-library.ts';

export const dayMs = 24 * 60 * 60 * 1000;
export const yearMs = 365 * dayMs;
const backdateMs = 5 * 60 * 1000;
const shortLivedMs = 8 * 60 * 60 * 1000;

/** A certificate and its private key, both PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate may be shown for. A peer (of etcd) is both server and client. */
export type CertificateUsage = 'client' | 'server' | 'peer';

export interface CertificateProfile extends Partial<AltNames> {
  readonly subject: Subject;
  readonly usage: CertificateUsage;
  /** Default one year. */
  readonly validityMs?: number;
}

interface AuthorityContext {
  readonly clock: Clock;
  readonly random?: Random;
}

export class CertificateAuthority {
  readonly #facts: CertificateFacts;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Its own certificate, PEM. */
  readonly certificate: string;

  private constructor(pair: { readonly certificate: string; readonly key: KeyObject }, { clock, random = systemRandom }: AuthorityContext) {
    this.certificate = pair.certificate;
    this.#facts = readCertificate(pair.certificate, 'certificate of the authority');
    this.#key = pair.key;
    this.#clock = clock;
    this.#random = random;
  }

  /** Makes an authority; valid ten years unless told otherwise. */
  static async create(
    options: AuthorityContext & { readonly commonName: string; readonly algorithm?: KeyAlgorithm; readonly validityMs?: number },
  ): Promise<CertificateAuthority> {
    const [x509, key] = await Promise.all([x509Library(), generatePrivateKey(options.algorithm)]);
    const { clock, random = systemRandom, commonName, validityMs = 10 * yearMs } = options;
    const usages = x509.KeyUsageFlags;
    const certificate = await sign({
      key,
      issuer: { subject: { commonName }, publicKey: publicKeyDer(key) },
      subject: { commonName },
      publicKey: publicKeyDer(key),
      notBeforeMs: clock.now() - backdateMs,
      notAfterMs: clock.now() + validityMs,
      random,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(usages.digitalSignature | usages.keyEncipherment | usages.keyCertSign | usages.cRLSign, true),
      ],
    });
    return new CertificateAuthority({ certificate, key }, { clock, random });
  }

  /** @throws PkiError AUTHORITY_UNUSABLE when the certificate is not one of an authority, or the key is another's */
  static load(pair: CertificateAndKey, context: AuthorityContext): CertificateAuthority {
    const authority = new CertificateAuthority(
      { certificate: pair.certificate, key: readPrivateKey(pair.key, 'key of the authority') },
      context,
    );
    const { x509, isAuthority, subject } = authority.#facts;
    if (!isAuthority) throw new PkiError('AUTHORITY_UNUSABLE', `certificate ${subject.commonName} is not that of an authority`);
    if (!x509.checkPrivateKey(authority.#key)) {
      throw new PkiError('AUTHORITY_UNUSABLE', `the private key does not belong to the certificate of authority ${subject.commonName}`);
    }
    return authority;
  }

  /** Its private key, PEM. */
  get key(): string {
    return privateKeyPem(this.#key);
  }

  /** Makes a key and a certificate for it. */
  async issue(profile: CertificateProfile, algorithm?: KeyAlgorithm): Promise<CertificateAndKey> {
    const key = await generatePrivateKey(algorithm);
    return { certificate: await this.#sign(profile, publicKeyDer(key)), key: privateKeyPem(key) };
  }

  /** Signs a request: its subject and names, for the usage that the signer grants. Who may ask for what was decided before. */
  async signRequest(
    request: CertificateRequest,
    granted: { readonly usage: CertificateUsage; readonly validityMs?: number },
  ): Promise<string> {
    const { subject, dnsNames, ipAddresses, publicKey } = request;
    return this.#sign({ subject, dnsNames, ipAddresses, ...granted }, publicKey);
  }

  /**
   * Signs a request as it stands, its whole subject and all its names, for usages by their names in the API. Who may ask for what was decided
   * before. A certificate that lives a working day or more is dated back at its end too.
   * @source controller-manager pkg/controller/certificates/authority/policies.go (PermissiveSigningPolicy)
   * @throws PkiError INVALID_REQUEST
   */
  async signAsRequested(pem: string, granted: { readonly usages: readonly string[]; readonly validityMs: number }): Promise<string> {
    const x509 = await x509Library();
    const { publicKey } = await readCertificateRequest(pem);
    const request = new x509.Pkcs10CertificateRequest(pem);
    const nowMs = this.#clock.now();
    const { notAfterMs, subject: issuer } = this.#facts;
    if (nowMs >= notAfterMs) throw this.#expired();
    const { keyUsages, extendedKeyUsages } = usagesByName(x509, granted.usages);
    const names = request.extensions.find((each) => each instanceof x509.SubjectAlternativeNameExtension);
    const endMs = nowMs + granted.validityMs - (granted.validityMs < shortLivedMs ? 0 : backdateMs);
    return sign({
      key: this.#key,
      issuer: { subject: issuer, publicKey: publicKeyDer(this.#key) },
      subject: request.subjectName,
      publicKey,
      notBeforeMs: nowMs - backdateMs,
      notAfterMs: Math.min(endMs, notAfterMs),
      random: this.#random,
      extensions: [
        // The flags are bits, and their sum is a number to the compiler.
        // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
        ...(keyUsages === 0 ? [] : [new x509.KeyUsagesExtension(keyUsages, true)]),
        ...(extendedKeyUsages.length > 0 ? [new x509.ExtendedKeyUsageExtension(extendedKeyUsages)] : []),
        new x509.BasicConstraintsExtension(false, undefined, true),
        ...(names ? [names] : []),
      ],
    });
  }

  #expired(): PkiError {
    const { notAfterMs, subject } = this.#facts;
    return new PkiError('AUTHORITY_UNUSABLE', `authority ${subject.commonName} expired ${new Date(notAfterMs).toISOString()}`);
  }

  async #sign(profile: CertificateProfile, publicKey: Uint8Array): Promise<string> {
    const x509 = await x509Library();
    const nowMs = this.#clock.now();
    const { notAfterMs, subject: issuer } = this.#facts;
    if (nowMs >= notAfterMs) throw this.#expired();
    const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
    const usages = { client: [clientAuth], server: [serverAuth], peer: [serverAuth, clientAuth] }[profile.usage];
    const names = generalNames(profile);
    return sign({
      key: this.#key,
      issuer: { subject: issuer, publicKey: publicKeyDer(this.#key) },
      subject: profile.subject,
      publicKey,
      notBeforeMs: nowMs - backdateMs,
      notAfterMs: Math.min(nowMs + (profile.validityMs ?? yearMs), notAfterMs),
      random: this.#random,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
        new x509.ExtendedKeyUsageExtension(usages),
        new x509.BasicConstraintsExtension(false, undefined, true),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    });
  }
}

function publicKeyDer(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

async function sign(options: {
  readonly key: KeyObject;
  readonly issuer: { readonly subject: Subject; readonly publicKey: Uint8Array };
  readonly subject: Subject | Name;
  readonly publicKey: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly random: Random;
  readonly extensions: readonly Extension[];
}): Promise<string> {
  const x509 = await x509Library();
  const subjectKey: PublicKey = new x509.PublicKey(options.publicKey);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(options.random),
    subject: 'commonName' in options.subject ? nameOf(options.subject) : options.subject.toJSON(),
    issuer: nameOf(options.issuer.subject),
    notBefore: new Date(options.notBeforeMs),
    notAfter: new Date(options.notAfterMs),
    publicKey: subjectKey,
    signingKey: cryptoKey(options.key),
    signingAlgorithm: signingAlgorithm(options.key),
    extensions: [
      ...options.extensions,
      await x509.SubjectKeyIdentifierExtension.create(subjectKey),
      await x509.AuthorityKeyIdentifierExtension.create(new x509.PublicKey(options.issuer.publicKey)),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** 127 random bits: positive, and never twice. @source RFC 5280 4.1.2.2 */
function serialNumber(random: Random): string {
  const bytes = random.bytes(16);
  assert(bytes.length === 16, 'a serial number has 16 bytes');
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toHex();
}
