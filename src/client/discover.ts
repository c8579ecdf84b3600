/** What the server serves, for the components that act on every resource there is. */
import { assert } from '../base/index.ts';
import type { Discovery, Transport } from './transport.ts';

/** @throws AssertionError when the transport cannot tell */
export function discover(transport: Transport, options: { readonly signal: AbortSignal }): Promise<Discovery> {
  const found = transport.discover?.(options);
  assert(found, 'discovery is not supported by this transport');
  return found;
}
