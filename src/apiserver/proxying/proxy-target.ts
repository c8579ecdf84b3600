/**
 * The name in a proxy path: `web`, `web:80`, `web:http` or `https:web:443`, and the path behind it.
 * @source apimachinery pkg/util/net/port_split.go SplitSchemeNamePort
 */
import type { RequestInfo } from '../request.ts';

export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  /** A number or a name; empty when none is given. */
  readonly port: string;
}

/** Undefined when the text is none of the forms. */
export function parseProxyTarget(text: string): ProxyTarget | undefined {
  const parts = text.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : ['', parts[0], parts[1] ?? ''];
  if (parts.length > 3 || !name || !/^(?:https?)?$/.test(scheme ?? '')) return undefined;
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port ?? '' };
}

/** The path that the backend is asked for, encoded, with its trailing slash; empty when nothing follows `proxy`. */
export function backendPath({ subpath, path }: RequestInfo): string {
  const trailing = path.endsWith('/') ? '/' : '';
  return subpath.split('/').map(encodeURIComponent).join('/') + trailing;
}

/** What follows the `?`, with it; empty when there is none. */
export function rawQuery(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? '' : target.slice(mark);
}
