/** Network errors in the words that users of Kubernetes know from its events, which are Go's. Pure. */
import { isIPv6 } from 'node:net';

/** `host:port`, with brackets around an IPv6 address. */
export function joinHostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

const systemTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EPIPE: 'broken pipe',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
};

/** An error of connecting to or talking with `host:port`. */
export function networkErrorText(error: unknown, host: string, port: number): string {
  const { code = '', syscall = '', message } = error as NodeJS.ErrnoException;
  const address = joinHostPort(host, port);
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`;
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${host}: Temporary failure in name resolution`;
  const text = systemTexts[code];
  if (text !== undefined && syscall === 'connect') return `dial tcp ${address}: connect: ${text}`;
  // Node says the same of a peer that closed before it answered and of one that reset.
  if (message === 'socket hang up') return 'EOF';
  if (text !== undefined) return `${syscall || 'read'} tcp ${address}: ${syscall || 'read'}: ${text}`;
  return message;
}
