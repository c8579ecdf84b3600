/**
 * What a connection proved by its certificate: a user of ours, a front proxy that speaks for others, neither, or nothing. TLS has checked
 * dates and signatures against all authorities together; here it is told apart whose authority it was.
 * @source apiserver pkg/authentication/request/x509, headerrequest, v1.35
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import type { UserInfo } from '../request.ts';
import { authenticated } from './users.ts';

/** What a connection proved; found out once. */
export interface Peer {
  /** It showed a certificate, good or not. */
  readonly showedCertificate: boolean;
  /** The user that an authority of client certificates vouches for. */
  readonly user: UserInfo | undefined;
  /** Common name of a front proxy, for which its own authority vouches. */
  readonly frontProxy: string | undefined;
}

export const noCertificate: Peer = { showedCertificate: false, user: undefined, frontProxy: undefined };
const strangeCertificate: Peer = { showedCertificate: true, user: undefined, frontProxy: undefined };

/** Certificates between one that was shown and its authority. */
const maxIntermediates = 4;
/** The attribute of a subject that holds a user's uid. */
const uidAttribute = '1.3.6.1.4.1.57683.2';

/** With those that came along when they were asked for. */
type ShownCertificate = PeerCertificate & { readonly issuerCertificate?: DetailedPeerCertificate };

/** Tells connections of clients and of front proxies apart. */
export class PeerReader {
  readonly #clients: readonly X509Certificate[];
  /** Undefined: there are no front proxies. */
  readonly #proxies: readonly X509Certificate[] | undefined;

  /** Both PEM, one or several certificates. */
  constructor(authorities: { readonly clients: string; readonly frontProxies: string | undefined }) {
    this.#clients = readAuthorities(authorities.clients);
    this.#proxies = authorities.frontProxies === undefined ? undefined : readAuthorities(authorities.frontProxies);
  }

  /** Whether the certificates that came along are looked at: to have them all read costs a connection more than its own. */
  get readsChains(): boolean {
    return this.#proxies !== undefined;
  }

  /** @param authorized TLS found it signed by one of the authorities, and in force */
  read(certificate: ShownCertificate | undefined, authorized: boolean): Peer {
    if (!certificate || Object.keys(certificate).length === 0) return noCertificate;
    if (!authorized) return strangeCertificate;
    // With one authority there is nothing to tell apart.
    if (!this.#proxies) return { showedCertificate: true, user: certificateUser(certificate), frontProxy: undefined };
    const chain = chainOf(certificate);
    return {
      showedCertificate: true,
      user: leadsTo(chain, this.#clients) ? certificateUser(certificate) : undefined,
      frontProxy: leadsTo(chain, this.#proxies) ? (commonName(certificate) ?? '') : undefined,
    };
  }
}

/** The user that a verified client certificate names: common name and organizations. */
export function certificateUser(certificate: Pick<PeerCertificate, 'subject'> & { readonly raw?: Buffer }): UserInfo | undefined {
  const { O, [uidAttribute]: uid } = certificate.subject as { O?: string | string[]; [uidAttribute]?: string | string[] };
  const name = commonName(certificate);
  if (!name) return undefined;
  const fingerprint = certificate.raw && createHash('sha256').update(certificate.raw).digest('hex');
  return authenticated({
    name,
    ...(typeof uid === 'string' && { uid }),
    groups: O === undefined ? [] : Array.isArray(O) ? O : [O],
    ...(fingerprint && { extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] } }),
  });
}

function commonName({ subject }: Pick<PeerCertificate, 'subject'>): string | undefined {
  const { CN } = subject as { CN?: string | string[] };
  return Array.isArray(CN) ? CN[0] : CN;
}

/** The certificates of a PEM text. @throws when one of them cannot be read */
export function readAuthorities(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** What was shown: the certificate first, then those that came along, which are believed in nothing yet. */
function chainOf(certificate: ShownCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let next: ShownCertificate | undefined = certificate; next?.raw; next = next.issuerCertificate) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next || chain.length > maxIntermediates) break;
  }
  return chain;
}

/** Whether one of the authorities signed the first certificate, itself or through the others. */
function leadsTo([first, ...others]: readonly X509Certificate[], authorities: readonly X509Certificate[]): boolean {
  const signed = (certificate: X509Certificate, by: X509Certificate): boolean =>
    by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey);
  let current = first;
  for (let step = 0; current && step <= maxIntermediates; step++) {
    const certificate: X509Certificate = current;
    if (authorities.some((authority) => signed(certificate, authority))) return true;
    current = others.find((other) => !other.raw.equals(certificate.raw) && signed(certificate, other));
  }
  return false;
}
