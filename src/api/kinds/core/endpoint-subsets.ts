/**
 * The one form that the subsets of an Endpoints object are stored in, however they were written: addresses that offer the same
 * ports stand together, each once, and whoever is not ready on a port does not count as ready there.
 * @source pkg/api/endpoints/util.go RepackSubsets, v1.35; it orders by a hash of Go's memory, here the order of the writer is kept
 */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../gen/core-v1.ts';
import type { Draft } from '../../object.ts';

type Address = Draft<EndpointAddress>;
/** Address → whether it is ready. */
type Readiness = Map<Address, boolean>;
/** Stands for the ports of a subset that has none. */
const noPort = 'none';

export function repackSubsets(subsets: readonly Draft<EndpointSubset>[]): Draft<EndpointSubset>[] {
  const known = new Map<string, Address>();
  const ports = new Map<string, { readonly port: Draft<EndpointPort> | undefined; readonly addresses: Readiness }>();
  for (const { addresses = [], notReadyAddresses = [], ports: own = [] } of subsets) {
    for (const port of own.length > 0 ? own : [undefined]) {
      const key = port ? portKey(port) : noPort;
      const entry = ports.get(key) ?? { port, addresses: new Map() };
      ports.set(key, entry);
      for (const address of addresses) note(entry.addresses, theSame(known, address), true);
      for (const address of notReadyAddresses) note(entry.addresses, theSame(known, address), false);
    }
  }
  const packed = new Map<string, { readonly addresses: Readiness; readonly ports: Draft<EndpointPort>[] }>();
  for (const { port, addresses } of ports.values()) {
    const key = `${port ? '' : noPort} ${JSON.stringify(sorted(addresses.keys()).map((address) => [address, addresses.get(address)]))}`;
    const entry = packed.get(key) ?? { addresses, ports: [] };
    if (port) entry.ports.push(port);
    packed.set(key, entry);
  }
  return [...packed.values()].map(({ addresses, ports: own }) => {
    const all = sorted(addresses.keys());
    const ready = all.filter((address) => addresses.get(address) === true);
    const notReady = all.filter((address) => addresses.get(address) === false);
    return {
      ...(ready.length > 0 && { addresses: ready }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ...(own.length > 0 && { ports: own }),
    };
  });
}

/** Two are one when address and target agree; the first says the rest. */
function theSame(known: Map<string, Address>, address: Address): Address {
  const key = `${address.ip} ${address.targetRef?.uid ?? ''}`;
  const first = known.get(key) ?? address;
  known.set(key, first);
  return first;
}

function note(addresses: Readiness, address: Address, ready: boolean): void {
  if (addresses.get(address) !== false) addresses.set(address, ready);
}

function sorted(addresses: Iterable<Address>): Address[] {
  const key = ({ ip, targetRef }: Address): string => `${ip} ${targetRef?.uid ?? ''}`;
  return [...addresses].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function portKey({ name = '', port, protocol, appProtocol }: EndpointPort): string {
  return JSON.stringify([name, port, protocol, appProtocol]);
}
