/** How a component that runs by itself reaches the API server: by its kubeconfig, over HTTPS. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Logger, Random } from '../../base/index.ts';
import { createHttpsTransport, type HttpsTransport } from '../../client/index.ts';
import { PkiError } from '../../pki/index.ts';
import { type Connection, parseKubeconfig, resolveContext } from '../../pki/kubeconfig/index.ts';
import { ComponentError } from './errors.ts';

export interface ConnectionContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface TransportRequest {
  readonly userAgent: string;
  /** Somebody else's bearer token, in place of the kubeconfig's credentials; asked at each request. */
  readonly token?: () => string;
}

/** Opens connections as the kubeconfig says. */
export type Connect = (request: TransportRequest) => HttpsTransport;

/** @throws ComponentError when the file cannot be read, is no kubeconfig, or asks for what is not supported */
export function connectByKubeconfig(path: string, context: ConnectionContext): Connect {
  const connection = readConnection(path);
  const tls = {
    ...(connection.certificateAuthority !== undefined && { ca: connection.certificateAuthority }),
    ...(connection.tlsServerName !== undefined && { serverName: connection.tlsServerName }),
    ...(connection.insecureSkipTlsVerify && { insecureSkipVerify: true }),
  };
  const { clientCertificate, tokenFile } = connection;
  const ownToken = tokenFile === undefined ? connection.token : () => readFileSync(tokenFile, 'utf8');
  return ({ userAgent, token }) =>
    createHttpsTransport({
      server: connection.server,
      ...tls,
      // A certificate would speak louder than a token.
      ...(token === undefined && clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
      ...(token !== undefined ? { token } : ownToken !== undefined && { token: ownToken }),
      userAgent,
      ...context,
    });
}

function readConnection(path: string): Connection {
  let connection: Connection;
  try {
    connection = resolveContext(parseKubeconfig(readFileSync(path, 'utf8'), path), { directory: dirname(path) });
  } catch (error) {
    if (!(error instanceof PkiError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new ComponentError(`the kubeconfig cannot be used: ${(error as Error).message}`, { cause: error });
  }
  for (const part of ['basic', 'proxyUrl', 'impersonate'] as const) {
    if (connection[part] !== undefined) throw new ComponentError(`${path}: ${part} is not supported in a component's kubeconfig`);
  }
  return connection;
}
