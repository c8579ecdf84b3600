/**
 * What a backend says about its own paths, in terms of the proxy's: a redirect or a link to `/login` becomes one to
 * `/api/v1/namespaces/ns/services/web/proxy/login`. Pure.
 * @source apimachinery pkg/util/proxy/transport.go rewriteURL
 */

export interface ProxiedAt {
  /** The path under which the backend's root is seen, such as `/api/v1/namespaces/ns/services/web/proxy`; no slash at its end. */
  readonly prefix: string;
  /** Hosts that mean the backend: its own and the one that the client asked for. */
  readonly hosts: readonly string[];
}

/** A URL as the client must ask for it; those of other hosts and relative ones stay as they are. */
export function rewriteLocation(location: string, { prefix, hosts }: ProxiedAt): string {
  const match = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/i.exec(location);
  const [, , host, path = '', rest = ''] = match ?? [];
  if (host !== undefined && host !== '' && !hosts.includes(host)) return location;
  if (!path.startsWith('/')) return location;
  return path.startsWith(prefix) ? path + rest : prefix + path + rest;
}
