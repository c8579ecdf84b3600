/** Where a request is passed on to, and what to say when that place does not answer. */
import type { LookupFunction, TcpNetConnectOpts } from 'node:net';
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls';
import { ApiError, serviceUnavailable } from '../../api/index.ts';

type TlsOptions = Pick<ConnectionOptions, 'minVersion' | 'rejectUnauthorized' | 'ca' | 'cert' | 'key' | 'checkServerIdentity'>;

/** Keys and trust for a TLS connection. */
export interface BackendTls {
  /** PEM; undefined: whoever answers is believed, as upstream does for pods and services, whose certificates nobody can check. */
  readonly ca: string | undefined;
  /** PEM of the client's certificate and key. */
  readonly cert?: string;
  readonly key?: string;
  /** The common name that the server's certificate has to have, beside its host; undefined: any. */
  readonly commonName?: string;
}

export interface Backend {
  /** An address or a name, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Undefined for plain HTTP. */
  readonly tls: BackendTls | undefined;
  /** Resolves the name and says no to addresses that nobody is to be connected to; an error of the API is told to the client. */
  readonly lookup?: LookupFunction;
}

/** `host:port`, with brackets around IPv6. */
export function authorityOf({ host, port }: Backend): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Options for `node:http(s)`, `node:tls` and `node:net`: where to connect to, and whom to believe. */
export function connectOptionsOf({ host, port, lookup, tls }: Backend): ConnectOptions {
  return { host, port, ...(lookup && { lookup }), ...(tls && tlsOptionsOf(tls)) };
}

type ConnectOptions = Pick<TcpNetConnectOpts, 'host' | 'port' | 'lookup'> & TlsOptions;

function tlsOptionsOf(tls: BackendTls): TlsOptions {
  const { commonName } = tls;
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: tls.ca !== undefined,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert, key: tls.key }),
    ...(commonName !== undefined && { checkServerIdentity: (host, certificate) => identityFault(host, certificate, commonName) }),
  };
}

/** A certificate of somebody else is not enough, though the same authority signed it: the API server's own is one. */
function identityFault(host: string, certificate: PeerCertificate, commonName: string): Error | undefined {
  const fault = checkServerIdentity(host, certificate);
  if (fault || certificate.subject.CN === commonName) return fault;
  return new Error(
    `tls: failed to verify certificate: x509: certificate is valid for ${String(certificate.subject.CN)}, not ${commonName}`,
  );
}

const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
  ECONNRESET: 'connection reset by peer',
};

/** Why a backend could not be reached, as clients of Kubernetes know it: `dial tcp 10.0.0.1:10250: connect: connection refused`. */
export function dialFailure(backend: Backend, error: unknown): string {
  const code = (error as { readonly code?: unknown }).code;
  const known = typeof code === 'string' ? dialFailures[code] : undefined;
  return `dial tcp ${authorityOf(backend)}: ${known ?? (error instanceof Error ? error.message : String(error))}`;
}

/** The answer when a pod or a service does not answer. */
export function serviceUnreachable(backend: Backend, error: unknown): ApiError {
  return serviceUnavailable(`error trying to reach service: ${dialFailure(backend, error)}`);
}

/** The answer when a kubelet does not answer. */
export function backendUnreachable(backend: Backend, error: unknown): ApiError {
  return new ApiError({ code: 500, reason: '', message: `error dialing backend: ${dialFailure(backend, error)}` }, { cause: error });
}
