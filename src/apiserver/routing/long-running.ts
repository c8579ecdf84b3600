/** Requests that stay open as long as their client wants. @source kube-apiserver: BasicLongRunningRequestCheck */
import type { RequestInfo } from '../request.ts';

const subresources: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

export function isLongRunning({ isResourceRequest, verb, subresource }: RequestInfo): boolean {
  return verb === 'watch' || (isResourceRequest && subresource !== '' && subresources.has(subresource));
}
