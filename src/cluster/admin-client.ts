/** The administrator's way to a cluster of this machine: a client, a kubeconfig, and the question whether the API answers at all. */
import { request } from 'node:https';
import { silentLogger, systemClock, systemRandom } from '../base/index.ts';
import { type Client, createClient, createHttpsTransport } from '../client/index.ts';
import type { ClusterRecord } from './cluster-record.ts';
import { readAdminIdentity } from './cluster-pki.ts';
import { buildKubeconfig, formatKubeconfig } from '../pki/kubeconfig/index.ts';
import type { ClusterPaths } from './home.ts';

export interface OpenedClient extends AsyncDisposable {
  readonly api: Client;
}

export interface AdminClient {
  /** The kubeconfig's text. */
  readonly kubeconfig: string;
  open(): Promise<OpenedClient>;
}

export function adminServer(record: ClusterRecord): string {
  return `https://127.0.0.1:${record.apiPort}`;
}

export function adminClient(record: ClusterRecord, paths: ClusterPaths): AdminClient {
  return {
    kubeconfig: renderAdminKubeconfig(record, paths),
    open: () => {
      const transport = createHttpsTransport({
        server: adminServer(record),
        ...readAdminIdentity(paths),
        clock: systemClock,
        random: systemRandom,
        log: silentLogger,
      });
      return Promise.resolve({ api: createClient(transport), [Symbol.asyncDispose]: () => transport.close() });
    },
  };
}

const readyTimeoutMs = 2000;

/** Whether the API server says that it is ready; false while nothing listens. */
export function isReady(record: ClusterRecord, paths: ClusterPaths, signal: AbortSignal): Promise<boolean> {
  const identity = readAdminIdentity(paths);
  return new Promise((resolve) => {
    const asked = request(`${adminServer(record)}/readyz`, { ...identity, agent: false, signal, timeout: readyTimeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

function renderAdminKubeconfig(record: ClusterRecord, paths: ClusterPaths): string {
  const { ca, cert, key } = readAdminIdentity(paths);
  const name = `knarr-${record.name}`;
  return formatKubeconfig(
    buildKubeconfig({
      cluster: name,
      user: name,
      context: name,
      server: `https://127.0.0.1:${record.apiPort}`,
      certificateAuthority: ca,
      credentials: { certificate: cert, key },
    }),
  );
}
