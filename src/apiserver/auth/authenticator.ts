/**
 * Who sends a request: a client certificate of ours, a bearer token, or nobody. A credential that is there but not valid is
 * refused; only its absence makes a request anonymous.
 */
import type { PeerCertificate } from 'node:tls';
import { unauthorized } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { UserInfo } from '../request.ts';
import { anonymousUser, authenticated } from './users.ts';

/** What a connection proved. `invalid`: it showed a certificate that our authority did not sign. */
export type PeerIdentity = UserInfo | 'none' | 'invalid';

/** Turns a bearer token into a user; undefined when the token is not one of ours or not valid any more. */
export type TokenVerifier = (token: string) => UserInfo | undefined | Promise<UserInfo | undefined>;

/** How long a token that was checked is believed. @source apiserver tokencache */
const tokenCacheMs = 10_000;
const maxCachedTokens = 4_096;

/** The user that a verified client certificate names: common name and organizations. @source apiserver request/x509 */
export function certificateUser(certificate: Pick<PeerCertificate, 'subject'>): UserInfo | undefined {
  const { CN, O } = certificate.subject as { CN?: string | string[]; O?: string | string[] };
  const name = Array.isArray(CN) ? CN[0] : CN;
  if (!name) return undefined;
  return authenticated({ name, groups: O === undefined ? [] : Array.isArray(O) ? O : [O] });
}

export class Authenticator {
  readonly #verifyToken: TokenVerifier | undefined;
  readonly #anonymous: boolean;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, { readonly user: UserInfo; readonly untilMs: number }>();

  constructor(options: { readonly clock: Clock; readonly verifyToken?: TokenVerifier | undefined; readonly anonymous: boolean }) {
    this.#clock = options.clock;
    this.#verifyToken = options.verifyToken;
    this.#anonymous = options.anonymous;
  }

  /**
   * Answers at once but for a token that was not seen lately.
   * @throws ApiError Unauthorized
   */
  authenticate(peer: PeerIdentity, authorization: string | undefined): UserInfo | Promise<UserInfo> {
    if (typeof peer === 'object') return peer;
    const token = bearerToken(authorization);
    if (token !== undefined) return this.#byToken(token);
    if (peer === 'invalid' || !this.#anonymous) throw unauthorized();
    return anonymousUser;
  }

  #byToken(token: string): UserInfo | Promise<UserInfo> {
    const known = this.#tokens.get(token);
    if (known && known.untilMs > this.#clock.monotonic()) return known.user;
    this.#tokens.delete(token);
    return this.#verify(token);
  }

  async #verify(token: string): Promise<UserInfo> {
    const user = await this.#verifyToken?.(token);
    if (!user) throw unauthorized();
    if (this.#tokens.size >= maxCachedTokens) this.#tokens.delete(this.#tokens.keys().next().value!);
    this.#tokens.set(token, { user, untilMs: this.#clock.monotonic() + tokenCacheMs });
    return user;
  }
}

function bearerToken(authorization: string | undefined): string | undefined {
  if (!authorization || authorization.length < 8) return undefined;
  return authorization.slice(0, 7).toLowerCase() === 'bearer ' ? authorization.slice(7).trim() : undefined;
}
