/**
 * ID tokens of one OpenID Connect issuer: signature by the issuer's keys, dates, audiences, then the user that the claims name.
 * @source apiserver plugin/pkg/authenticator/token/oidc; coreos/go-oidc verify.go, v1.35
 */
import type * as jose from 'jose';
import type { Clock, Logger } from '../../../base/index.ts';
import { OutgoingError } from '../../outgoing/index.ts';
import { claimedIssuer } from '../service-account-tokens.ts';
import { intersection, type TokenAuthenticator, type TokenFailure, type TokenVerdict } from '../token-authenticator.ts';
import { type Claims, userOfClaims } from './claims-to-user.ts';
import type { JwtAuthenticator } from './jwt-authenticator.ts';
import { KeySource } from './key-source.ts';

/** Clocks of issuers may be this far ahead. @source go-oidc verify.go */
const notBeforeLeewaySeconds = 300;

export interface OidcHost {
  readonly clock: Clock;
  readonly log: Logger;
  /** The API server's own audiences: an ID token is good for those. */
  readonly audiences: readonly string[];
}

export interface OidcTokens {
  readonly authenticate: TokenAuthenticator;
  /** Looks for the issuer until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): void;
}

export function oidcTokens(config: JwtAuthenticator, host: OidcHost): OidcTokens {
  const source = new KeySource(config, host);
  const stop = new AbortController();
  const authenticate: TokenAuthenticator = (token, audiences) => {
    if (claimedIssuer(token) !== config.issuerUrl) return undefined;
    if (!source.keys) return { failure: 'oidc: authenticator not initialized' };
    const meant = intersection(host.audiences, audiences);
    return meant.length === 0 ? undefined : verdictOn(token, meant);
  };
  const verdictOn = async (token: string, audiences: readonly string[]): Promise<TokenVerdict> => {
    const claims = await verified(token, { config, source, clock: host.clock, signal: stop.signal });
    if (isFailure(claims)) return claims;
    const user = userOfClaims(claims.claims, config);
    return 'failure' in user ? user : { user, audiences };
  };
  return {
    authenticate,
    run: (signal) => source.findIssuer(AbortSignal.any([signal, stop.signal])),
    close: () => {
      stop.abort();
      source.close();
    },
  };
}

interface Verifying {
  readonly config: JwtAuthenticator;
  readonly source: KeySource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The claims of a token that the issuer signed, that is for us and in force. */
async function verified(token: string, on: Verifying): Promise<{ readonly claims: Claims } | TokenFailure> {
  // Loaded by whoever uses it only.
  const library = await import('jose');
  try {
    return checkClaims(await verifySignature(library, token, on), on);
  } catch (error) {
    if (!(error instanceof library.errors.JOSEError) && !(error instanceof OutgoingError)) throw error;
    return { failure: `oidc: verify token: ${messageOf(library, error)}` };
  }
}

/** Tries the keys at hand, and once more with fresh ones when none of them made the signature. */
async function verifySignature(library: typeof jose, token: string, { config, source, signal }: Verifying): Promise<Claims> {
  const attempt = async (): Promise<Claims> => {
    const options = { algorithms: [...config.signingAlgorithms] };
    const { payload } = await library
      .compactVerify(token, library.createLocalJWKSet(source.keys!), options)
      .catch(async (error: unknown) => {
        // A token need not name its key: then each that could have made it is tried.
        if (!(error instanceof library.errors.JWKSMultipleMatchingKeys)) throw error;
        for await (const key of error) {
          const tried = await library.compactVerify(token, key, options).catch(() => undefined);
          if (tried) return tried;
        }
        throw new library.errors.JWSSignatureVerificationFailed();
      });
    return JSON.parse(new TextDecoder().decode(payload)) as Claims;
  };
  try {
    return await attempt();
  } catch (error) {
    const { JWKSNoMatchingKey, JWSSignatureVerificationFailed } = library.errors;
    if (!(error instanceof JWKSNoMatchingKey) && !(error instanceof JWSSignatureVerificationFailed)) throw error;
    await source.refresh(signal);
    return await attempt();
  }
}

function checkClaims(claims: Claims, { config, clock }: Verifying): { readonly claims: Claims } | TokenFailure {
  const fail = (why: string): TokenFailure => ({ failure: `oidc: verify token: oidc: ${why}` });
  const nowSeconds = clock.now() / 1000;
  const { iss, aud, exp, nbf } = claims;
  if (iss !== config.issuerUrl) return fail(`id token issued by a different provider, expected "${config.issuerUrl}" got "${String(iss)}"`);
  const meant = typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud.map(String) : [];
  if (!meant.some((audience) => config.audiences.includes(audience))) {
    const expected =
      config.audiences.length === 1 ? `"${config.audiences[0]}"` : `in [${config.audiences.map((each) => `"${each}"`).join(' ')}]`;
    return fail(`expected audience ${expected} got [${meant.map((each) => `"${each}"`).join(' ')}]`);
  }
  if (typeof exp !== 'number' || nowSeconds > exp) return fail(`token is expired (Token Expiry: ${formatExpiry(exp)})`);
  if (typeof nbf === 'number' && nowSeconds + notBeforeLeewaySeconds < nbf) {
    return fail(`current time ${new Date(clock.now()).toISOString()} before the nbf (not before) time: ${formatExpiry(nbf)}`);
  }
  return { claims };
}

function formatExpiry(seconds: unknown): string {
  return typeof seconds === 'number' && Math.abs(seconds) < 8.64e12 ? new Date(seconds * 1000).toISOString() : 'none';
}

function messageOf(library: typeof jose, error: Error): string {
  if (error instanceof library.errors.JOSEAlgNotAllowed) return 'oidc: id token signed with unsupported algorithm';
  if (error instanceof OutgoingError) return `failed to verify signature: fetching keys ${error.message}`;
  return 'failed to verify signature: failed to verify id token signature';
}

function isFailure(value: object): value is TokenFailure {
  return 'failure' in value;
}
