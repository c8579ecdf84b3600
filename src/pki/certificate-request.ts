/** Certificate signing requests (PKCS #10): made by a node for its key, read by whoever signs. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import type { GeneralName, Pkcs10CertificateRequest } from '@peculiar/x509';
import type { AltNames, Subject } from './certificate.ts';
import { PkiError } from './errors.ts';
import { cryptoKey, signingAlgorithm, x509Library } from './x509-library.ts';

export interface CertificateRequest extends AltNames {
  readonly subject: Required<Subject>;
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
}

/** A request for `key`, as PEM. */
export async function createCertificateRequest(key: KeyObject, wanted: { readonly subject: Subject } & Partial<AltNames>): Promise<string> {
  const x509 = await x509Library();
  const names = generalNames(wanted);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: nameOf(wanted.subject),
    keys: { privateKey: cryptoKey(key), publicKey: cryptoKey(createPublicKey(key)) },
    signingAlgorithm: signingAlgorithm(key),
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  return `${request.toString('pem')}\n`;
}

/** @throws PkiError INVALID_REQUEST when it is no request, or not signed by the key that it is for */
export async function readCertificateRequest(pem: string): Promise<CertificateRequest> {
  const x509 = await x509Library();
  let request: Pkcs10CertificateRequest;
  try {
    if (!pem.includes('-----BEGIN CERTIFICATE REQUEST-----')) throw new TypeError('no PEM block of type CERTIFICATE REQUEST');
    request = new x509.Pkcs10CertificateRequest(pem);
  } catch (cause) {
    throw new PkiError('INVALID_REQUEST', 'PEM block type must be CERTIFICATE REQUEST', { cause });
  }
  if (!(await request.verify())) throw new PkiError('INVALID_REQUEST', 'certificate request is not signed by its own key');
  const extension = request.extensions.find((each) => each instanceof x509.SubjectAlternativeNameExtension);
  const names = extension?.names.items ?? [];
  const of = (type: GeneralName['type']): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    subject: subjectOf(request),
    dnsNames: of('dns'),
    ipAddresses: of('ip'),
    emailAddresses: of('email'),
    uris: of('url'),
    publicKey: new Uint8Array(request.publicKey.rawData),
  };
}

/** A subject in the library's form; organizations share one set and stand first, as Go writes them. */
export function nameOf({ commonName, organizations = [] }: Subject): Record<string, string[]>[] {
  return [...(organizations.length > 0 ? [{ O: [...organizations] }] : []), { CN: [commonName] }];
}

/** @throws PkiError INVALID_REQUEST for an address that is none */
export function generalNames({ dnsNames = [], ipAddresses = [] }: Partial<AltNames>): { type: 'dns' | 'ip'; value: string }[] {
  for (const address of ipAddresses) {
    if (isIP(address) === 0) throw new PkiError('INVALID_REQUEST', `${JSON.stringify(address)} is not an IP address`);
  }
  return [...dnsNames.map((value) => ({ type: 'dns' as const, value })), ...ipAddresses.map((value) => ({ type: 'ip' as const, value }))];
}

function subjectOf({ subjectName }: Pkcs10CertificateRequest): Required<Subject> {
  return { commonName: subjectName.getField('CN')[0] ?? '', organizations: subjectName.getField('O') };
}
