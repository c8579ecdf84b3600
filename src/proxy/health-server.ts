/** A small HTTP server for questions about health: answers GET on a few paths, with limits on what a stranger may cost. */
import { createServer, type Server } from 'node:http';
import type { HealthReply } from './health-checks.ts';

const requestTimeoutMs = 5_000;
const maxConnections = 256;
const maxHeaderBytes = 8_192;

export interface HealthListen {
  readonly port: number;
  /** Undefined: every address of the node, of both families. */
  readonly host?: string;
}

/** Listens. @param answer undefined: there is no such path @throws the system's error when the port is taken */
export async function serveHealth(
  { port, host }: HealthListen,
  answer: (path: string) => HealthReply | undefined | Promise<HealthReply | undefined>,
): Promise<AsyncDisposable & { readonly port: number }> {
  const limits = { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: maxHeaderBytes };
  const server = createServer(limits, (request, response) => {
    const [path] = (request.url ?? '/').split('?', 1);
    request.resume();
    void Promise.resolve(answer(path!)).then(
      (reply) => {
        if (!reply) return response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
        return response.writeHead(reply.status, reply.headers).end(request.method === 'HEAD' ? undefined : reply.body);
      },
      () => response.writeHead(500).end(),
    );
  });
  server.maxConnections = maxConnections;
  await listen(server, { port, ...(host !== undefined && { host }) });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, options: { readonly port: number; readonly host?: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
