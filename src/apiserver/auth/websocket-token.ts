/**
 * A bearer token where browsers can put one: among the protocols that a WebSocket asks for, since they can set no header.
 * @source apiserver pkg/authentication/request/websocket, v1.35
 */
import type { HeaderSource } from './header-values.ts';

const prefix = 'base64url.bearer.authorization.k8s.io.';

/** Undefined when there is none, or when nothing but the token is asked for: a WebSocket needs a protocol to speak too. */
export function websocketToken(request: HeaderSource): string | undefined {
  const protocols = request.header('sec-websocket-protocol');
  if (!protocols?.includes(prefix) || request.header('upgrade')?.toLowerCase() !== 'websocket') return undefined;
  const names = protocols.split(',').map((name) => name.trim());
  const found = names.filter((name) => name.startsWith(prefix));
  if (found.length !== 1 || names.length < 2) return undefined;
  const encoded = found[0]!.slice(prefix.length);
  const token = Buffer.from(encoded, 'base64url').toString('utf8');
  return token !== '' && Buffer.from(token).toString('base64url') === encoded.replace(/=+$/, '') ? token : undefined;
}
