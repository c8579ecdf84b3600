/** The administrator's way to a cluster of this machine: a client, and the question whether the API answers at all. */
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { silentLogger, systemClock, systemRandom } from '../base/index.ts';
import { type Client, createClient, createHttpsTransport } from '../client/index.ts';
import type { ClusterRecord } from './cluster-record.ts';
import { readAdminIdentity } from './cluster-pki.ts';
import type { ClusterPaths } from './home.ts';

export interface OpenedClient extends AsyncDisposable {
  readonly api: Client;
}

function adminServer({ apiPort }: ClusterRecord): string {
  return `https://127.0.0.1:${apiPort}`;
}

export function openAdminClient(record: ClusterRecord, paths: ClusterPaths): OpenedClient {
  const transport = createHttpsTransport({
    server: adminServer(record),
    ...readAdminIdentity(paths),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
  });
  return { api: createClient(transport), [Symbol.asyncDispose]: () => transport.close() };
}

const readyTimeoutMs = 2000;

/** Asks, as often as somebody likes to know, whether the API server is ready; over one connection. */
export class ReadyProbe implements Disposable {
  readonly #record: ClusterRecord;
  readonly #agent: Agent;

  constructor(record: ClusterRecord, paths: ClusterPaths) {
    this.#record = record;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ...readAdminIdentity(paths) });
  }

  /** False while nothing listens. */
  async isReady(signal: AbortSignal): Promise<boolean> {
    // To prepare for TLS costs a hundred times what it costs to find a closed port, and `up` waits on the cores that it waits for.
    if (Object.keys(this.#agent.freeSockets).length === 0 && !(await this.#listens())) return false;
    return new Promise((resolve) => {
      const options = { agent: this.#agent, signal, timeout: readyTimeoutMs };
      const asked = request(`${adminServer(this.#record)}/readyz`, options, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode === 200));
        response.once('error', () => resolve(false));
      });
      asked.once('timeout', () => asked.destroy());
      asked.once('error', () => resolve(false));
      asked.end();
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: this.#record.apiPort });
      const answer = (listens: boolean): void => {
        socket.destroy();
        resolve(listens);
      };
      socket.once('connect', () => answer(true));
      socket.once('error', () => answer(false));
    });
  }
}
