/**
 * Who sends a request, in upstream's order: a user that a front proxy names, a client certificate, a bearer token, or nobody. A credential
 * that is there but not valid is refused unless another one is good; only the absence of all makes a request anonymous.
 * @source kubernetes pkg/kubeapiserver/authenticator/config.go, v1.35
 */
import { unauthorized } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { UserInfo } from '../request.ts';
import type { Peer } from './client-certificate.ts';
import { frontProxyUser, type FrontProxyOptions } from './front-proxy.ts';
import type { HeaderSource } from './header-values.ts';
import { type TokenAuthenticator, tokenUnion, type TokenVerdict } from './token-authenticator.ts';
import { cachedTokens } from './token-cache.ts';
import { anonymousUser, authenticated } from './users.ts';
import { websocketToken } from './websocket-token.ts';

/** Whether somebody without a credential may come in, by the path that is asked for. */
export type AnonymousRule = (path: string) => boolean;

export interface AuthenticationOptions {
  /** In the order in which they are asked. */
  readonly tokens?: readonly TokenAuthenticator[];
  /** What a token must be for; `--api-audiences`. */
  readonly audiences?: readonly string[];
  /** Default: everyone may, everywhere. */
  readonly anonymous?: AnonymousRule;
  /** Undefined: nobody speaks for others. */
  readonly frontProxy?: FrontProxyOptions;
}

/** How long a token that was checked is believed. @source kubernetes pkg/kubeapiserver/options (TokenSuccessCacheTTL) */
const tokenSuccessMs = 10_000;
/** What a token is for when nobody says anything about audiences at all. */
const defaultAudiences: readonly string[] = ['api'];

/** A request as far as it tells who sends it. */
export interface Credentials extends HeaderSource {
  readonly peer: Peer;
}

export class Authenticator {
  /** What tokens of the API server itself are for. */
  readonly audiences: readonly string[];
  readonly #tokens: TokenAuthenticator | undefined;
  readonly #anonymous: AnonymousRule;
  readonly #frontProxy: FrontProxyOptions | undefined;

  constructor(options: AuthenticationOptions & { readonly clock: Clock }) {
    const { tokens = [], audiences = [], clock } = options;
    this.audiences = audiences.length > 0 ? audiences : defaultAudiences;
    this.#tokens =
      tokens.length > 0
        ? cachedTokens(tokenUnion(tokens), { clock, successMs: tokenSuccessMs, failureMs: 0, usual: this.audiences })
        : undefined;
    this.#anonymous = options.anonymous ?? (() => true);
    this.#frontProxy = options.frontProxy;
  }

  /**
   * Answers at once unless a token has to be looked at over the network.
   * @param path what is asked for, decoded
   * @throws ApiError Unauthorized
   */
  authenticate(request: Credentials, path: string): UserInfo | Promise<UserInfo> {
    const { peer } = request;
    if (this.#frontProxy && peer.frontProxy !== undefined) {
      const named = frontProxyUser(peer, request, this.#frontProxy);
      if (named) return named;
    }
    if (peer.user) return peer.user;
    const token = this.#tokens && (bearerToken(request.header('authorization')) ?? websocketToken(request));
    if (token !== undefined) return this.#byToken(token);
    if (peer.showedCertificate || !this.#anonymous(path)) throw unauthorized();
    return anonymousUser;
  }

  /** What is known about a token, for reviews. @param audiences who it must be for; empty: the API server */
  review(token: string, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict> {
    return this.#tokens?.(token, audiences.length > 0 ? audiences : this.audiences);
  }

  #byToken(token: string): UserInfo | Promise<UserInfo> {
    const verdict = this.#tokens!(token, this.audiences);
    return verdict instanceof Promise ? verdict.then(userOf) : userOf(verdict);
  }
}

function userOf(verdict: TokenVerdict): UserInfo {
  if (!verdict || !('user' in verdict)) throw unauthorized();
  return authenticated(verdict.user);
}

/** Undefined: there is none. @source apiserver pkg/authentication/request/bearertoken */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (!authorization || authorization.length < 8) return undefined;
  const text = authorization.trim();
  if (text.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  const end = text.indexOf(' ', 7);
  const token = end < 0 ? text.slice(7) : text.slice(7, end);
  return token === '' ? undefined : token;
}
