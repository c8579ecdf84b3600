/**
 * Writes that lean on an election. A leader that was paused can wake with a request in hand; the fence it carries lets the API
 * server refuse that request when the Lease has gone to another since.
 */
import type { Fence, Transport } from './transport.ts';

/** The header that carries a fence over HTTPS. */
export const fenceHeader = 'knarr-fence';

/** `namespace/name;holder;transitions`, each part percent-encoded. */
export function formatFence({ lease, holder, transitions }: Fence): string {
  return `${encodeURIComponent(lease)};${encodeURIComponent(holder)};${transitions}`;
}

/** The fence in a header's text; undefined when it is none. */
export function parseFence(text: string): Fence | undefined {
  const match = /^([^;]+);([^;]+);(\d+)$/.exec(text);
  if (!match) return undefined;
  try {
    return { lease: decodeURIComponent(match[1]!), holder: decodeURIComponent(match[2]!), transitions: Number(match[3]) };
  } catch {
    // Only a broken percent sequence throws here.
    return undefined;
  }
}

/** The same transport, with the fence of the current term on every write. Closing it does not close the one below. */
export function fencedTransport(transport: Transport, fence: () => Fence | undefined): Transport {
  const discover = transport.discover?.bind(transport);
  return {
    request: (request) => {
      const current = request.verb === 'get' || request.verb === 'list' ? undefined : fence();
      return transport.request(current ? { ...request, fence: current } : request);
    },
    watch: (request) => transport.watch(request),
    ...(discover && { discover }),
    close: async () => {},
  };
}
