/**
 * The HTTPS port of a component: `/healthz`, `/livez` and `/readyz` with their single checks for everybody, `/metrics`
 * for whom the API server lets see it. A port of 0 turns it off.
 * @source controller-manager app/serve.go, apiserver pkg/server/options/authorization.go (always-allow paths), v1.35
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Clock, type HealthCheck, type Logger, type Random, singleHealth, summarizeHealth } from '../../base/index.ts';
import { CertificateAuthority } from '../../pki/index.ts';
import type { ComponentFlagValues } from './component-flags.ts';
import { ComponentError } from './errors.ts';
import { readNamedFile } from './named-file.ts';
import type { ServingAccess } from './delegated-access.ts';

export interface ServingOptions {
  readonly flags: ComponentFlagValues;
  /** Such as 10257 for the controller manager; 0: any that is free. */
  readonly defaultPort: number;
  readonly checks: () => readonly HealthCheck[];
  readonly metrics: MetricsSource;
  /** PEM; default: what the flags name, or a pair made for this run. */
  readonly pair?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  readonly access: ServingAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A registry, or several that are shown as one. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface ComponentServer extends AsyncDisposable {
  /** Undefined: the port is turned off. */
  readonly address: AddressInfo | undefined;
}

const healthRoots = ['healthz', 'livez', 'readyz'];
const headersTimeoutMs = 32_000;

/** @throws ComponentError when the port is taken, or a file cannot be used */
export async function serveComponent(options: ServingOptions): Promise<ComponentServer> {
  const { flags, defaultPort, log, access } = options;
  const port = flags['secure-port'] ?? defaultPort;
  if (flags['secure-port'] === 0) return { address: undefined, [Symbol.asyncDispose]: async () => {} };
  const { cert, key } = options.pair ?? (await servingPair(options));
  const { clientCa } = access;
  const tls = { cert, key, minVersion: 'TLSv1.2', rejectUnauthorized: false } as const;
  const server = createServer({
    ...tls,
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true }),
    headersTimeout: headersTimeoutMs,
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(options, request, response).catch((err: unknown) => {
      log.error('a request failed', { path: request.url, err });
      if (!response.headersSent) write(response, 500, 'internal server error\n');
    });
  });
  await listen(server, flags['bind-address'] ?? '0.0.0.0', port);
  return {
    // A TCP server has an address with a port.
    address: server.address() as AddressInfo,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: ServingOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://component');
  const refusal = await options.access.refusal(request, url.pathname);
  if (refusal) return write(response, refusal.code, JSON.stringify(refusal), 'application/json');
  if (request.method !== 'GET' && request.method !== 'HEAD') return write(response, 405, '');
  const [, root = '', name] = /^\/([^/]*)(?:\/(.*))?$/.exec(url.pathname) ?? [];
  if (healthRoots.includes(root)) {
    const checks = options.checks();
    if (name === undefined || name === '') {
      const { status, body } = await summarizeHealth(root, checks, url.searchParams);
      return write(response, status, body);
    }
    const check = checks.find((each) => each.name === name);
    if (!check) return write(response, 404, '404 page not found\n');
    const { status, body } = await singleHealth(check);
    return write(response, status, body);
  }
  if (url.pathname === '/metrics') return write(response, 200, await options.metrics.metrics(), options.metrics.contentType);
  write(response, 404, '404 page not found\n');
}

function write(response: ServerResponse, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': contentType, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache, private' });
  response.end(body);
}

/** The pair that the flags name, or one made for this run that nobody trusts, as upstream makes it. */
async function servingPair({ flags, clock, random }: ServingOptions): Promise<{ readonly cert: string; readonly key: string }> {
  const [certFile, keyFile] = [flags['tls-cert-file'], flags['tls-private-key-file']];
  if (certFile !== undefined && keyFile !== undefined) return { cert: readNamedFile(certFile), key: readNamedFile(keyFile) };
  const authority = await CertificateAuthority.create({ clock, random, commonName: 'localhost-ca' });
  const pair = await authority.issue({
    subject: { commonName: 'localhost' },
    usage: 'server',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  });
  return { cert: pair.certificate, key: pair.key };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new ComponentError(`failed to listen on ${host}:${port}: ${cause.message}`, { cause })));
    server.listen(port, host, () => resolve());
  });
}
