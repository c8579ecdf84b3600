/**
 * Certificates as they are read: by node:crypto alone, because every start reads some and none may wait for the library that
 * makes them.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
// Node 26 leaves this module half loaded for good when it is `toLegacyObject` that loads it first.
import 'node:tls';
import { PkiError } from './errors.ts';

/** Who a certificate, or a request for one, speaks for: as Kubernetes reads it, the user's name and groups. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** Names that a server is reached by. */
export interface AltNames {
  readonly dnsNames: readonly string[];
  /** IPv4 and IPv6; those of a certificate in their canonical text. */
  readonly ipAddresses: readonly string[];
}

export interface CertificateFacts extends AltNames {
  readonly subject: Required<Subject>;
  readonly isAuthority: boolean;
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Object identifiers. */
  readonly extendedKeyUsages: readonly string[];
  readonly x509: X509Certificate;
}

/** @throws PkiError INVALID_CERTIFICATE when the text does not begin with a certificate in PEM; `what` names it */
export function readCertificate(pem: string, what = 'certificate'): CertificateFacts {
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(pem);
  } catch (cause) {
    throw new PkiError('INVALID_CERTIFICATE', `${what} is not a certificate in PEM`, { cause });
  }
  const subject = x509.toLegacyObject().subject as unknown as Readonly<Record<string, string | readonly string[] | undefined>>;
  return {
    subject: { commonName: listOf(subject['CN'])[0] ?? '', organizations: listOf(subject['O']) },
    ...altNamesOf(x509.subjectAltName),
    isAuthority: x509.ca,
    notBeforeMs: Date.parse(x509.validFrom),
    notAfterMs: Date.parse(x509.validTo),
    extendedKeyUsages: x509.keyUsage ?? [],
    x509,
  };
}

/** True when `authority` signed the certificate and `key` is its private key. */
export function isPairOf(certificate: CertificateFacts, key: KeyObject, authority: CertificateFacts): boolean {
  return (
    certificate.x509.checkPrivateKey(key) &&
    certificate.x509.checkIssued(authority.x509) &&
    certificate.x509.verify(authority.x509.publicKey)
  );
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** The one short text of an address: certificates show IPv6 in full. @source RFC 5952, which the URL parser follows */
export function canonicalAddress(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

/** Reads Node's `DNS:a, IP Address:1.2.3.4`; a name with a comma is quoted there, and none of ours. */
function altNamesOf(text: string | undefined): AltNames {
  const names = (text ?? '').split(', ');
  const of = (kind: string): string[] => names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  return { dnsNames: of('DNS:'), ipAddresses: of('IP Address:').map(canonicalAddress) };
}
