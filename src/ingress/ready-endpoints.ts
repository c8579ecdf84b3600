/**
 * The endpoints of a Service port that requests go to: the ready ones; when there are none, those that still serve while they end.
 * @source KEP-1669 (ProxyTerminatingEndpoints)
 */
import { isIP } from 'node:net';
import type { discoveryv1 } from '../api/index.ts';
import type { Backend } from './service-backend.ts';

/** Most endpoints of one Service that requests are spread over; a server's configuration grows with each. */
export const maxEndpoints = 1024;

/** `address port` of each, sorted; addresses that are none are left out. Pure. */
export function readyEndpoints(backend: Backend, slices: readonly discoveryv1.EndpointSlice[]): string[] {
  const [ready, serving] = [new Set<string>(), new Set<string>()];
  for (const { addressType, ports = [], endpoints } of slices) {
    if (addressType !== backend.addressType) continue;
    const port = ports.find(({ name = '' }) => name === backend.portName)?.port;
    if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) continue;
    // Go's nil is JSON's null, or nothing.
    for (const { addresses, conditions } of endpoints ?? []) {
      const address = addresses[0] ?? '';
      if (isIP(address) === 0) continue;
      if (conditions?.ready ?? true) ready.add(`${address} ${port}`);
      else if (conditions?.serving && conditions.terminating) serving.add(`${address} ${port}`);
    }
  }
  return [...(ready.size > 0 ? ready : serving)].toSorted().slice(0, maxEndpoints);
}
