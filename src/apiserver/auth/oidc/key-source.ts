/**
 * The keys of an issuer: finds them by the issuer's configuration, keeps them, and asks again when a token names one that is not known, which
 * is how issuers change their keys. Nobody can make it ask more often than once in a while by sending tokens.
 * @source coreos/go-oidc RemoteKeySet; OpenID Connect Discovery 1.0
 */
import type { JSONWebKeySet } from 'jose';
import { type Clock, isAbort, type Logger } from '../../../base/index.ts';
import { HttpsClient, OutgoingError } from '../../outgoing/index.ts';
import type { JwtAuthenticator } from './jwt-authenticator.ts';

/** For one request to the issuer. */
const timeoutMs = 30_000;
/** How long to wait before the issuer is looked for again. */
const initRetryMs = 10_000;
/** Keys that are younger are not asked for again, whatever tokens say. */
const minKeyAgeMs = 1_000;

interface Known {
  readonly jwksUrl: string;
  readonly keys: JSONWebKeySet;
  readonly fetchedMs: number;
}

export class KeySource {
  readonly #config: JwtAuthenticator;
  readonly #https: HttpsClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  #known: Known | undefined;
  #fetching: Promise<void> | undefined;

  constructor(config: JwtAuthenticator, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
    this.#https = new HttpsClient({ clock, timeoutMs, ca: config.certificateAuthority });
  }

  /** Undefined while the issuer was not found yet. */
  get keys(): JSONWebKeySet | undefined {
    return this.#known?.keys;
  }

  /** Looks for the issuer until it is found; the API server does not wait for it, since the issuer may run in the cluster. */
  async findIssuer(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#known) {
      try {
        await this.#fetch(await this.#discover(signal), signal);
      } catch (error) {
        if (isAbort(error, signal)) return;
        if (!(error instanceof OutgoingError)) throw error;
        this.#log.error('oidc authenticator: initializing plugin', { err: error, issuer: this.#config.issuerUrl });
        await this.#clock.sleep(initRetryMs, signal).catch(() => {});
      }
    }
  }

  /** Asks the issuer for its keys again, unless that was done a moment ago. @throws OutgoingError */
  async refresh(signal: AbortSignal): Promise<void> {
    const known = this.#known;
    if (!known || this.#clock.monotonic() - known.fetchedMs < minKeyAgeMs) return;
    this.#fetching ??= this.#fetch(known.jwksUrl, signal).finally(() => {
      this.#fetching = undefined;
    });
    await this.#fetching;
  }

  close(): void {
    this.#https.close();
  }

  async #discover(signal: AbortSignal): Promise<string> {
    const { issuerUrl, discoveryUrl } = this.#config;
    const url = discoveryUrl ?? `${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const { issuer, jwks_uri: jwksUrl } = await this.#get(url, signal);
    if (issuer !== issuerUrl) {
      const got = typeof issuer === 'string' ? issuer : '';
      throw new OutgoingError(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuerUrl)} got "${got}"`,
      );
    }
    if (typeof jwksUrl !== 'string') throw new OutgoingError(`oidc: ${url} names no jwks_uri`);
    return jwksUrl;
  }

  async #fetch(jwksUrl: string, signal: AbortSignal): Promise<void> {
    const document = await this.#get(jwksUrl, signal);
    if (!Array.isArray(document['keys'])) throw new OutgoingError(`oidc: ${jwksUrl} holds no keys`);
    // The library looks at each key before it uses it.
    this.#known = { jwksUrl, keys: document as unknown as JSONWebKeySet, fetchedMs: this.#clock.monotonic() };
  }

  async #get(url: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const { status, body } = await this.#https.send(url, { method: 'GET', headers: { accept: 'application/json' } }, signal);
    if (status !== 200) throw new OutgoingError(`GET ${url}: status ${status}`);
    try {
      const value: unknown = JSON.parse(body);
      if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new OutgoingError(`GET ${url}: no JSON object`);
  }
}
