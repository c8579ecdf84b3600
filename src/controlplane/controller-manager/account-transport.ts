/**
 * Over HTTPS a controller acts as its account by a token: asked for when it is first needed, again at half of its life, and at once when the
 * server does not believe it any more.
 * @source controller-manager pkg/clientbuilder/client_builder_dynamic.go, v1.35
 */
import { corev1Resources, isApiError, type JsonObject } from '../../api/index.ts';
import { type Clock, isAbort } from '../../base/index.ts';
import { type Client, type Transport } from '../../client/index.ts';
import type { Connect } from '../component/index.ts';

const namespace = 'kube-system';
const expirationSeconds = 3_600;

class AccountToken {
  readonly #client: Client;
  readonly #account: string;
  readonly #clock: Clock;
  #token = '';
  #renewAtMs = 0;
  #asking: Promise<void> | undefined;

  constructor(client: Client, account: string, clock: Clock) {
    this.#client = client;
    this.#account = account;
    this.#clock = clock;
  }

  get text(): string {
    return this.#token;
  }

  /** The token was refused. */
  forget(): void {
    this.#renewAtMs = 0;
  }

  async fresh(signal: AbortSignal): Promise<void> {
    if (this.#clock.now() < this.#renewAtMs) return;
    this.#asking ??= this.#ask(signal).finally(() => (this.#asking = undefined));
    try {
      await this.#asking;
    } catch (error) {
      // Whoever asked for all of us gave up; the next one asks for himself.
      if (isAbort(error, signal) || !(error instanceof DOMException)) throw error;
      await this.fresh(signal);
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const key = { namespace, name: this.#account };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds } };
    const call = { name: 'token', verb: 'create', body } as const;
    const request = (): Promise<JsonObject> => this.#client.subresource(corev1Resources.serviceaccounts, key, call, { signal });
    const answer = await request().catch(async (error: unknown) => {
      if (!isApiError(error, 'NotFound')) throw error;
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: key } as const;
      await this.#client.create(corev1Resources.serviceaccounts, account, { signal }).catch((refused: unknown) => {
        if (!isApiError(refused, 'AlreadyExists')) throw refused;
      });
      return request();
    });
    // The server answers a TokenRequest with its status.
    const { token, expirationTimestamp } = answer['status'] as { readonly token: string; readonly expirationTimestamp: string };
    const now = this.#clock.now();
    this.#token = token;
    this.#renewAtMs = now + (Date.parse(expirationTimestamp) - now) / 2;
  }
}

/** @param client of the manager, who may ask for tokens of others */
export function accountTransport(connect: Connect, client: Client, clock: Clock): (account: string, userAgent: string) => Transport {
  return (account, userAgent) => {
    const token = new AccountToken(client, account, clock);
    const transport = connect({ userAgent, token: () => token.text });
    return {
      request: async (request) => {
        await token.fresh(request.signal);
        try {
          return await transport.request(request);
        } catch (error) {
          if (!isApiError(error, 'Unauthorized')) throw error;
          token.forget();
          await token.fresh(request.signal);
          return transport.request(request);
        }
      },
      watch: (request) => watchAs(transport, token, request),
      discover: async (options) => {
        await token.fresh(options.signal);
        return transport.discover(options);
      },
      close: () => transport.close(),
    };
  };
}

async function* watchAs(
  transport: Transport,
  token: AccountToken,
  request: Parameters<Transport['watch']>[0],
): ReturnType<Transport['watch']> extends AsyncIterable<infer Events> ? AsyncGenerator<Events> : never {
  await token.fresh(request.signal);
  try {
    yield* transport.watch(request);
  } catch (error) {
    if (isApiError(error, 'Unauthorized')) token.forget();
    throw error;
  }
}
