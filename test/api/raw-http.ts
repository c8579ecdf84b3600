/** Plain HTTP/1.1 requests over TLS for tests: what goes out and what comes back is in the test's own hands. */
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { KeyPair } from './certificates.ts';

export interface HttpOptions {
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Client certificate; undefined: none. */
  readonly identity?: KeyPair | undefined;
  /** Stops reading after this many lines (for watches). */
  readonly lines?: number;
}

/** Tests look into answers of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Buffer;
  /** The parsed body. */
  readonly json: Json;
}

export class RawHttp {
  readonly #port: number;
  readonly #ca: string;
  readonly #agents = new Map<string, Agent>();

  constructor(options: { readonly port: number; readonly ca: string }) {
    this.#port = options.port;
    this.#ca = options.ca;
  }

  request(method: string, path: string, body: unknown, options: HttpOptions): Promise<HttpAnswer> {
    const text = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          method,
          path,
          agent: this.#agent(options.identity),
          headers: {
            ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
            ...options.headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          const finish = (): void => {
            const bytes = Buffer.concat(chunks);
            const whole = bytes.toString('utf8');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: whole,
              bytes,
              get json() {
                return JSON.parse(whole);
              },
            });
          };
          response.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            if (options.lines !== undefined && Buffer.concat(chunks).toString('utf8').split('\n').length > options.lines) {
              finish();
              response.destroy();
            }
          });
          response.on('end', finish);
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agent(identity: KeyPair | undefined): Agent {
    const key = identity?.cert ?? '';
    let agent = this.#agents.get(key);
    if (!agent) {
      agent = new Agent({ ca: this.#ca, keepAlive: true, ...(identity && { cert: identity.cert, key: identity.key }) });
      this.#agents.set(key, agent);
    }
    return agent;
  }
}
