/**
 * The endpoints of one port of a Service, read from its EndpointSlices: conditions with their defaults, hints, duplicates merged (an endpoint
 * stands in two slices while it moves). Pure; knows no policy. @source kube-proxy v1.35, pkg/proxy/endpointslicecache.go
 */
import { isIPv4 } from 'node:net';
import { type corev1, type discoveryv1, formatIp, type IpFamily, parseIp } from '../api/index.ts';

/** An endpoint's address and port. */
export interface Backend {
  readonly ip: string;
  readonly port: number;
}

/** What the choice among endpoints is made from. */
export interface Endpoint extends Backend {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** It stands on this node. */
  readonly local: boolean;
  /** Nodes and zones that are asked to use it; empty without hints. */
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
}

/** Endpoints of the slices of one family that serve this port, sorted by address and port. */
export function endpointsOf(
  slices: readonly discoveryv1.EndpointSlice[],
  port: Pick<corev1.ServicePort, 'name' | 'protocol'>,
  { family, nodeName }: { readonly family: IpFamily; readonly nodeName: string },
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? '') !== (port.name ?? '')) continue;
      if ((slicePort.protocol ?? 'TCP') !== (port.protocol ?? 'TCP')) continue;
      // No number means "all ports" in the API; upstream's proxy ignores such a port too.
      if (!slicePort.port) continue;
      for (const given of slice.endpoints ?? []) {
        const ip = addressOf(given, family);
        if (ip === undefined) continue;
        const local = nodeName !== '' && given.nodeName === nodeName;
        const key = `${ip} ${slicePort.port}`;
        if (!found.has(key) || local) found.set(key, { ip, port: slicePort.port, local, ...conditionsAndHints(given) });
      }
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/** The first address in canonical text; undefined when it is none of this family. Only the first counts. */
function addressOf({ addresses }: discoveryv1.Endpoint, family: IpFamily): string | undefined {
  const text = addresses[0];
  if (text === undefined) return undefined;
  if (isIPv4(text)) return family === 'IPv4' ? text : undefined;
  const parsed = parseIp(text);
  return parsed?.family === family ? formatIp(parsed) : undefined;
}

const none: readonly string[] = [];

function conditionsAndHints({ conditions, hints }: discoveryv1.Endpoint): Omit<Endpoint, 'ip' | 'port' | 'local'> {
  return {
    ready: conditions?.ready !== false,
    serving: conditions?.serving !== false,
    terminating: conditions?.terminating === true,
    forNodes: hints?.forNodes?.map(({ name }) => name) ?? none,
    forZones: hints?.forZones?.map(({ name }) => name) ?? none,
  };
}
