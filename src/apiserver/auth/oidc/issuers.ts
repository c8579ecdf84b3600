/**
 * All issuers that are believed at the moment. They can be exchanged while requests come in: a token is judged by those that were there when
 * it came, and keys of an issuer that did not change stay known.
 */
import { isAbort } from '../../../base/index.ts';
import { type TokenAuthenticator, tokenUnion } from '../token-authenticator.ts';
import type { JwtAuthenticator } from './jwt-authenticator.ts';
import { type OidcHost, type OidcTokens, oidcTokens } from './oidc-tokens.ts';

export class Issuers {
  readonly #host: OidcHost & { readonly signal: AbortSignal };
  #current = new Map<string, OidcTokens>();
  #union: TokenAuthenticator = () => undefined;

  constructor(host: OidcHost & { readonly signal: AbortSignal }) {
    this.#host = host;
    host.signal.addEventListener('abort', () => this.replace([]), { once: true });
  }

  readonly authenticate: TokenAuthenticator = (token, audiences) => this.#union(token, audiences);

  /** From now on these are believed and no others. */
  replace(configs: readonly JwtAuthenticator[]): void {
    const next = new Map<string, OidcTokens>();
    for (const config of configs) {
      const key = JSON.stringify({ ...config, requiredClaims: [...config.requiredClaims] });
      next.set(key, this.#current.get(key) ?? this.#start(config));
    }
    const gone = [...this.#current].filter(([key]) => !next.has(key));
    this.#current = next;
    this.#union = tokenUnion([...next.values()].map(({ authenticate }) => authenticate));
    for (const [, tokens] of gone) tokens.close();
  }

  #start(config: JwtAuthenticator): OidcTokens {
    const { signal, log } = this.#host;
    const tokens = oidcTokens(config, this.#host);
    tokens.run(signal).catch((error: unknown) => {
      if (!isAbort(error)) log.error('an issuer of tokens cannot be used', { err: error, issuer: config.issuerUrl });
    });
    return tokens;
  }
}
