/** Finds the API server's port: the usual one, or the next that nobody holds. */
import { createServer } from 'node:net';
import { ClusterError } from '../cluster-error.ts';

const firstPort = 6443;
const tries = 200;

/** @param reserved ports of clusters that exist but may be down */
export async function freePort(reserved: readonly number[]): Promise<number> {
  for (let port = firstPort; port < firstPort + tries; port++) if (!reserved.includes(port) && (await isPortFree(port))) return port;
  throw new ClusterError(`no free port from ${firstPort} to ${firstPort + tries - 1} for the API server`);
}

/** Whether nobody listens on the port. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
