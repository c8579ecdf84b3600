/** The name servers that a node forwards to: real ones. A loopback stub of the host (systemd-resolved, dnsmasq) is out of a node's reach. */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** Where resolvers are written down, best first: the list behind systemd-resolved's stub, then the usual file. */
const sources = ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf'];

/** Addresses of `nameserver` lines that are reachable from another network namespace. Pure. */
export function usableResolvers(resolvConf: string): string[] {
  return resolvConf.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line.trim().split(/\s+/);
    const loopback = address.startsWith('127.') || address === '::1';
    return keyword === 'nameserver' && isIP(address) !== 0 && !loopback ? [address] : [];
  });
}

/** The host's real resolvers; empty when it has none (names outside the cluster are then not answered). */
export function hostResolvers(): string[] {
  for (const path of sources) {
    if (!existsSync(path)) continue;
    const found = usableResolvers(readFileSync(path, 'utf8'));
    if (found.length > 0) return found;
  }
  return [];
}
