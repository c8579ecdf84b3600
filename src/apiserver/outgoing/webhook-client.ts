/**
 * A webhook that a kubeconfig file names: posts a review, reads its answer, and asks again when the server could not help it.
 * @source apiserver pkg/util/webhook, v1.35
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JsonObject } from '../../api/index.ts';
import { type Clock, isAbort, type Logger, type Random } from '../../base/index.ts';
import { type Connection, parseKubeconfig, resolveContext } from '../../pki/kubeconfig/index.ts';
import { HttpsClient, OutgoingError } from './https-client.ts';

/** For one try, when nothing else is said. */
const defaultTimeoutMs = 30_000;
/** @source apiserver pkg/util/webhook DefaultRetryBackoffWithInitialDelay */
const retry = { initialMs: 500, factor: 1.5, jitter: 0.2, tries: 5 };

/**
 * Reads the file that names a webhook.
 * @throws PkiError, OutgoingError for what it says that is not supported
 */
export function readWebhookConfig(path: string): Connection {
  const connection = resolveContext(parseKubeconfig(readFileSync(path, 'utf8'), path), { directory: dirname(path) });
  if (URL.parse(connection.server)?.protocol !== 'https:') throw new OutgoingError(`${path}: the server is not an https URL`);
  if (connection.insecureSkipTlsVerify) throw new OutgoingError(`${path}: insecure-skip-tls-verify is not supported`);
  if (connection.proxyUrl !== undefined) throw new OutgoingError(`${path}: proxy-url is not supported`);
  if (connection.impersonate) throw new OutgoingError(`${path}: impersonation is not supported`);
  return connection;
}

export interface WebhookClientDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class WebhookClient {
  readonly #connection: Connection;
  readonly #https: HttpsClient;
  readonly #deps: WebhookClientDeps;

  /** @param timeoutMs for one try */
  constructor(connection: Connection, deps: WebhookClientDeps, timeoutMs = defaultTimeoutMs) {
    const { certificateAuthority: ca, clientCertificate, tlsServerName: serverName } = connection;
    this.#connection = connection;
    this.#deps = deps;
    this.#https = new HttpsClient({
      clock: deps.clock,
      timeoutMs,
      ca,
      cert: clientCertificate?.certificate,
      key: clientCertificate?.key,
      serverName,
    });
  }

  /**
   * The object that the webhook answers with.
   * @throws OutgoingError when all tries failed; the signal's reason when it aborts
   */
  async post(review: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const { clock, random, log } = this.#deps;
    for (let attempt = 1, delayMs = retry.initialMs; ; attempt++, delayMs *= retry.factor) {
      try {
        return await this.#once(review, signal);
      } catch (error) {
        if (isAbort(error, signal) || !(error instanceof OutgoingError) || !error.retriable || attempt === retry.tries) throw error;
        log.debug('a webhook is asked again', { err: error, attempt });
        await clock.sleep(delayMs * (1 + retry.jitter * random.next()), signal);
      }
    }
  }

  close(): void {
    this.#https.close();
  }

  async #once(review: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const headers = { 'content-type': 'application/json', accept: 'application/json', ...this.#authorization() };
    const answer = await this.#https.send(this.#connection.server, { method: 'POST', headers, body: JSON.stringify(review) }, signal);
    if (answer.status < 200 || answer.status > 299) {
      const retriable = answer.status === 429 || answer.status >= 500 || answer.headers['retry-after'] !== undefined;
      throw new OutgoingError(`the webhook ${this.#connection.server} answered ${answer.status}`, { retriable });
    }
    const object = parseObject(answer.body);
    if (!object) throw new OutgoingError(`the webhook ${this.#connection.server} did not answer with an object`);
    return object;
  }

  #authorization(): Readonly<Record<string, string>> {
    const { token, tokenFile, basic } = this.#connection;
    // Its content changes.
    const bearer = token ?? (tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim());
    if (bearer !== undefined) return { authorization: `Bearer ${bearer}` };
    return basic ? { authorization: `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}` } : {};
  }
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
