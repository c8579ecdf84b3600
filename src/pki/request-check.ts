/**
 * Certificate requests as the API server checks them when somebody sends one: at once, with node:crypto alone, because validation
 * does not wait. What is said of a bad one is Go's text where clients may see it.
 * @source kubernetes pkg/apis/certificates ParseCSR; crypto/x509 CertificateRequest.CheckSignature
 */
import { constants, createPublicKey, verify, X509Certificate } from 'node:crypto';
import type { Subject } from './certificate.ts';
import { derTags, type DerValue, expectTag, objectIdentifierText, readDerValue, readDerValues } from './der.ts';
import { PkiError } from './errors.ts';

interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly bytes: Buffer;
  /** Where the text goes on behind it. */
  readonly end: number;
}

const commonNameOid = '2.5.4.3';
const organizationOid = '2.5.4.10';

/**
 * The subject of a request in PEM whose signature is right.
 * @throws PkiError INVALID_REQUEST
 */
export function checkCertificateRequest(pem: string): Required<Subject> {
  const { subject, verifySignature } = parseRequest(pem);
  verifySignature();
  return subject;
}

/** The subject of a request, whoever signed it. @throws PkiError INVALID_REQUEST */
export function readRequestSubject(pem: string): Required<Subject> {
  return parseRequest(pem).subject;
}

/** Every PEM block is a certificate, and there is at least one. @throws PkiError INVALID_CERTIFICATE */
export function checkCertificateChain(pem: string): void {
  let blocks = 0;
  for (let block = nextBlock(pem, 0); block; block = nextBlock(pem, block.end)) {
    if (block.type !== 'CERTIFICATE') throw badChain(`only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(block.type)}`);
    if (block.hasHeaders) throw badChain('no PEM block headers are permitted');
    blocks++;
    if (block.bytes.length === 0) throw badChain('found CERTIFICATE PEM block containing 0 certificates');
    try {
      void new X509Certificate(block.bytes);
    } catch {
      throw badChain('x509: malformed certificate');
    }
  }
  if (blocks === 0) throw badChain('must contain at least one CERTIFICATE PEM block');
}

function parseRequest(pem: string): { readonly subject: Required<Subject>; readonly verifySignature: () => void } {
  const block = nextBlock(pem, 0);
  if (block?.type !== 'CERTIFICATE REQUEST') throw badRequest('PEM block type must be CERTIFICATE REQUEST');
  const [info, algorithm, signature] = readDerValues(readDerValue(block.bytes, derTags.sequence).content);
  const [version, name, publicKey] = readDerValues(expectTag(info, derTags.sequence).content);
  expectTag(version, derTags.integer);
  const bits = expectTag(signature, derTags.bitString).content.subarray(1);
  const signed = { tbs: info!.whole, key: expectTag(publicKey, derTags.sequence).whole, bits };
  const subject = readSubject(expectTag(name, derTags.sequence));
  return { subject, verifySignature: () => verifySigned(signed, expectTag(algorithm, derTags.sequence)) };
}

function readSubject(name: DerValue): Required<Subject> {
  let commonName = '';
  const organizations: string[] = [];
  for (const set of readDerValues(name.content)) {
    for (const attribute of readDerValues(expectTag(set, derTags.set).content)) {
      const [type, value] = readDerValues(expectTag(attribute, derTags.sequence).content);
      const oid = objectIdentifierText(expectTag(type, derTags.objectIdentifier));
      if (oid === commonNameOid) commonName = textOf(value);
      else if (oid === organizationOid) organizations.push(textOf(value));
    }
  }
  return { commonName, organizations };
}

function textOf(value: DerValue | undefined): string {
  if (!value) return '';
  if (value.tag !== derTags.bmpString) return value.content.toString('utf8');
  return Buffer.from(value.content.subarray(0, value.content.length & ~1))
    .swap16()
    .toString('utf16le');
}

interface Algorithm {
  readonly hash: string | null;
  readonly isPss?: boolean;
  /** What Go says when the signature does not fit. */
  readonly mismatch: string;
}

const rsaMismatch = 'crypto/rsa: verification error';
const ellipticMismatch = 'x509: ECDSA verification failure';

const algorithms: Readonly<Record<string, Algorithm>> = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', mismatch: rsaMismatch },
  '1.2.840.113549.1.1.12': { hash: 'sha384', mismatch: rsaMismatch },
  '1.2.840.113549.1.1.13': { hash: 'sha512', mismatch: rsaMismatch },
  '1.2.840.10045.4.3.2': { hash: 'sha256', mismatch: ellipticMismatch },
  '1.2.840.10045.4.3.3': { hash: 'sha384', mismatch: ellipticMismatch },
  '1.2.840.10045.4.3.4': { hash: 'sha512', mismatch: ellipticMismatch },
  '1.3.101.112': { hash: null, mismatch: 'x509: Ed25519 verification failure' },
};

const insecureAlgorithms: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'MD5-RSA',
  '1.2.840.113549.1.1.5': 'SHA1-RSA',
  '1.2.840.10045.4.1': 'ECDSA-SHA1',
};

const pssOid = '1.2.840.113549.1.1.10';
const pssHashes = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

function algorithmOf(value: DerValue): Algorithm {
  const [type, parameters] = readDerValues(value.content);
  const oid = objectIdentifierText(expectTag(type, derTags.objectIdentifier));
  const insecure = Object.hasOwn(insecureAlgorithms, oid) ? insecureAlgorithms[oid] : undefined;
  if (insecure !== undefined) throw badRequest(`x509: cannot verify signature: insecure algorithm ${insecure}`);
  if (oid === pssOid) {
    const hash = pssHash(parameters);
    if (hash !== undefined) return { hash, isPss: true, mismatch: rsaMismatch };
  }
  const known = Object.hasOwn(algorithms, oid) ? algorithms[oid] : undefined;
  if (!known) throw badRequest('x509: cannot verify signature: algorithm unimplemented');
  return known;
}

/** The hash that the parameters of RSASSA-PSS name first. */
function pssHash(parameters: DerValue | undefined): string | undefined {
  const [explicit] = readDerValues(expectTag(parameters, derTags.sequence).content);
  if (!explicit) return undefined;
  const [oid] = readDerValues(readDerValue(explicit.content, derTags.sequence).content);
  return pssHashes.get(objectIdentifierText(expectTag(oid, derTags.objectIdentifier)));
}

function verifySigned(signed: { readonly tbs: Buffer; readonly key: Buffer; readonly bits: Buffer }, algorithm: DerValue): void {
  const { hash, isPss, mismatch } = algorithmOf(algorithm);
  let fits: boolean;
  try {
    const key = createPublicKey({ key: signed.key, format: 'der', type: 'spki' });
    const padding = isPss && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    fits = verify(hash, signed.tbs, { key, ...padding }, signed.bits);
  } catch {
    // A key that cannot be read, or of another type than the signature.
    fits = false;
  }
  if (!fits) throw badRequest(mismatch);
}

/** The next block of PEM; text around blocks does not count. @source encoding/pem Decode */
function nextBlock(text: string, from: number): PemBlock | undefined {
  const pattern = /(?:^|\n)-----BEGIN ([^\n\r-]*)-----[ \t]*\r?\n([^-]*)-----END \1-----/g;
  pattern.lastIndex = Math.max(0, from - 1);
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const [, type = '', body = ''] = match;
    const lines = body.split(/\r?\n/);
    const headers = lines.findIndex((line) => !line.includes(':'));
    const base64 = lines.slice(headers).join('').replace(/[ \t]/g, '');
    if (/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
      return { type, hasHeaders: headers > 0, bytes: Buffer.from(base64, 'base64'), end: pattern.lastIndex };
    }
  }
  return undefined;
}

function badRequest(message: string): PkiError {
  return new PkiError('INVALID_REQUEST', message);
}

function badChain(message: string): PkiError {
  return new PkiError('INVALID_CERTIFICATE', message);
}
