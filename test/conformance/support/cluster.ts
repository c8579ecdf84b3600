/**
 * What a conformance test works with: the running cluster over TLS, by kubectl, by the typed client and by bare requests, and a namespace
 * that belongs to the file. Nothing here reaches behind the API.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, vi } from 'vitest';
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts';
import {
  type Client,
  createClient,
  createHttpsTransport,
  type HttpsTransport,
  type HttpsTransportOptions,
} from '../../../src/client/index.ts';
import { parseKubeconfig, resolveContext } from '../../../src/pki/kubeconfig/index.ts';
import { adminKubeconfig, type Kubectl, unavailable, useKubectl } from '../../e2e/kubectl.ts';

export { unavailable };

/** Tests look into answers of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The parsed body. */
  readonly json: Json;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent instead of the administrator's certificate. */
  readonly token?: string;
}

export interface ConformanceCluster {
  readonly namespace: string;
  readonly kubectl: Kubectl;
  /** The administrator over TLS; made at the first use. */
  readonly client: Client;
  /** For calls of the client: aborts when the file's tests have ended. */
  readonly signal: AbortSignal;
  /** One bare request as the administrator; a body that is not text is sent as JSON. Never throws for a status. */
  request(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Answer>;
  /** As `request`, for what must succeed. @returns the parsed body */
  api(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Json>;
  /** `/api/v1/namespaces/<own>/<rest>` or the like for a group such as `apps/v1`. */
  path(groupVersion: string, rest: string): string;
  /** The administrator's transport, for watches. */
  transport(): HttpsTransport;
  /** Somebody else's transport, such as a ServiceAccount's. */
  transportOf(token: string): HttpsTransport;
}

/** @param namespace made before the file's tests and deleted after them; unique among files */
export function useCluster(namespace: string): ConformanceCluster {
  const kubectl = useKubectl(namespace);
  const stop = new AbortController();
  const open: HttpsTransport[] = [];
  let admin: HttpsTransport | undefined;
  let client: Client | undefined;
  const transport = (): HttpsTransport => {
    if (!admin) open.push((admin = createHttpsTransport(connection({}))));
    return admin;
  };
  const strangers = new Map<string, HttpsTransport>();
  const transportOf = (token: string): HttpsTransport => {
    let known = strangers.get(token);
    if (!known) {
      strangers.set(token, (known = createHttpsTransport(connection({ token }))));
      open.push(known);
    }
    return known;
  };
  afterAll(async () => {
    stop.abort();
    await Promise.all(open.map((one) => one.close()));
  });
  const request = async (method: string, path: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> => {
    const text = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const via = options.token === undefined ? transport() : transportOf(options.token);
    const response = await via.raw({
      method,
      path,
      headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...options.headers },
      ...(text !== undefined && { body: text }),
      signal: stop.signal,
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response.body) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      text: bytes.toString(),
      get json(): Json {
        return JSON.parse(bytes.toString());
      },
    };
  };
  return {
    namespace,
    kubectl,
    get client() {
      return (client ??= createClient(transport()));
    },
    signal: stop.signal,
    request,
    api: async (method, path, body, options) => {
      const answer = await request(method, path, body, options);
      if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
      return answer.json;
    },
    path: (groupVersion, rest) => `/${groupVersion === 'v1' ? 'api' : 'apis'}/${groupVersion}/namespaces/${namespace}/${rest}`,
    transport,
    transportOf,
  };
}

function connection(options: { readonly token?: string }): HttpsTransportOptions {
  const file = adminKubeconfig();
  const found = resolveContext(parseKubeconfig(readFileSync(file, 'utf8')), { directory: dirname(file) });
  const { server, certificateAuthority: ca, clientCertificate } = found;
  const who =
    options.token === undefined ? clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key } : options;
  return { server, ...(ca !== undefined && { ca }), ...who, clock: systemClock, random: systemRandom, log: silentLogger };
}

/** How long a test waits for what should happen: longer than a loaded machine takes. A run that expects red waits less. */
export const patienceMs = Number(process.env['KNARR_TEST_PATIENCE_MS'] ?? 60_000);

/** Waits for a condition of the cluster. @returns what `check` returned at last */
export function eventually<T>(check: () => T | Promise<T>, timeout = patienceMs): Promise<T> {
  return vi.waitFor(check, { timeout, interval: 100 });
}

/** Runs only where there is a cluster. */
export function beforeAllOnCluster(prepare: () => Promise<void>): void {
  beforeAll(async () => {
    if (!unavailable) await prepare();
  });
}
