/**
 * Which addresses the API server connects to on a client's behalf: those of pods and nodes, never its own or the link's, where
 * things listen that trust whoever can reach them.
 * @source kubernetes pkg/proxy/util IsProxyableIP
 */
import { badRequest, isLinkLocalUnicast, isLoopback, isUnspecified, parseIp } from '../../api/index.ts';

/** @throws ApiError BadRequest */
export function checkedAddress(text: string): string {
  const address = parseIp(text);
  if (!address || isLoopback(address) || isUnspecified(address) || isLinkLocalUnicast(address) || isMulticast(address)) {
    throw badRequest('address not allowed');
  }
  return text;
}

function isMulticast({ family, value }: { readonly family: string; readonly value: bigint }): boolean {
  // 224.0.0.0/4 and what is above it, broadcast too; ff00::/8.
  return family === 'IPv4' ? value >> 28n >= 0xen : value >> 120n === 0xffn;
}
