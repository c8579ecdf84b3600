/**
 * Hosts and paths as they stand in the maps that requests are looked up in. This is where users' text becomes ours: what comes out holds
 * only the characters that a URL may hold, whatever came in, so nothing that is written further down can be more than data. Pure.
 */

/** The site of requests whose host no Ingress names. */
export const anyHost = '*';

const hostPattern = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const maxHostLength = 253;
/** A longer path does not fit the first line of a request together with all else. */
const maxPathLength = 4096;
// oxlint-disable-next-line no-control-regex
const controlCharacters = /[\u0000-\u001f\u007f]/;
/** What stands in a request's path as it is; all else comes encoded. @source RFC 3986 section 3.3 */
const plainCharacters = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]/gu;

/** The host in lower case; undefined when it is not a name, or a name behind `*.`. */
export function siteOf(host: string): string | undefined {
  const site = host.toLowerCase();
  return site.length <= maxHostLength && hostPattern.test(site) ? site : undefined;
}

/** The path as clients send it; undefined when no request can have it. An empty path is `/`. */
export function requestPath(path: string): string | undefined {
  if (path === '') return '/';
  if (!path.startsWith('/') || path.length > maxPathLength || controlCharacters.test(path) || !path.isWellFormed()) return undefined;
  return path.replaceAll(plainCharacters, (character) => encodeURIComponent(character));
}

/** Key of a path that is matched as it is. */
export function exactKey(site: string, path: string): string {
  return `${site}${path}`;
}

/** Key of a path that is matched element by element: requests are looked up with a slash behind, so `/a` begins `/a/` and not `/ab/`. */
export function prefixKey(site: string, path: string): string {
  return `${site}${path.replace(/\/+$/, '')}/`;
}
