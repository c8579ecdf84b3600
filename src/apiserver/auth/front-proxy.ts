/**
 * Users that a front proxy names in headers. The proxy proves itself by a certificate of its own authority, then its word counts.
 * @source apiserver pkg/authentication/request/headerrequest, v1.35
 */
import type { UserInfo } from '../request.ts';
import type { Peer } from './client-certificate.ts';
import { type HeaderSource, unescapeExtraKey, valuesOf } from './header-values.ts';
import { authenticated } from './users.ts';

export interface FrontProxyOptions {
  /** Common names that a proxy may have; empty: any. */
  readonly allowedNames: readonly string[];
  /** In lower case; the first that is there counts. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  /** In lower case; all that are there count. */
  readonly groupHeaders: readonly string[];
  /** In lower case. */
  readonly extraPrefixes: readonly string[];
}

/** The user that a proxy names; undefined when the peer is no proxy that is believed, or names nobody. */
export function frontProxyUser(peer: Peer, request: HeaderSource, options: FrontProxyOptions): UserInfo | undefined {
  if (peer.frontProxy === undefined) return undefined;
  if (options.allowedNames.length > 0 && !options.allowedNames.includes(peer.frontProxy)) return undefined;
  const name = firstOf(request, options.usernameHeaders);
  if (name === undefined) return undefined;
  const uid = firstOf(request, options.uidHeaders);
  return authenticated({
    name,
    ...(uid !== undefined && { uid }),
    groups: options.groupHeaders.flatMap((header) => valuesOf(request, header)).filter((group) => group !== ''),
    ...extraOf(request, options.extraPrefixes),
  });
}

function firstOf(request: HeaderSource, headers: readonly string[]): string | undefined {
  for (const header of headers) {
    const [value] = valuesOf(request, header);
    if (value) return value;
  }
  return undefined;
}

function extraOf(request: HeaderSource, prefixes: readonly string[]): Pick<UserInfo, 'extra'> {
  const extra = new Map<string, string[]>();
  const lines = request.headerLines();
  for (const prefix of prefixes) {
    for (let at = 0; at < lines.length; at += 2) {
      const header = lines[at]!.toLowerCase();
      if (!header.startsWith(prefix)) continue;
      const key = unescapeExtraKey(header.slice(prefix.length));
      const values = extra.get(key);
      if (values) values.push(lines[at + 1]!);
      else extra.set(key, [lines[at + 1]!]);
    }
  }
  return extra.size > 0 ? { extra: Object.fromEntries(extra) } : {};
}
