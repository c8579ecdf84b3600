/**
 * Addresses and ports of Services: gives each Service what it needs before it is stored, follows what is stored, and takes back
 * what no stored Service names any more. What is stored is the only truth: the pools are a picture of it plus the writes under way.
 * @source kubernetes pkg/registry/core/service/storage/alloc.go
 */
import { type corev1, type Draft, type FieldError, fieldErrors, internalError, invalid, type IpFamily } from '../../api/index.ts';
import type { HookOutcome } from '../extension.ts';
import { initIpFamilies, isHeadless, keepsPreferDualStack } from './ip-families.ts';
import type { NodePorts } from './node-ports.ts';
import type { PoolOperation } from './pool.ts';
import { canonicalAddress, type ServiceAddresses } from './service-addresses.ts';

type Service = Draft<corev1.Service>;

export class ServiceAllocator {
  readonly addresses: ServiceAddresses;
  readonly ports: NodePorts;

  constructor(pools: { readonly addresses: ServiceAddresses; readonly ports: NodePorts }) {
    this.addresses = pools.addresses;
    this.ports = pools.ports;
  }

  /**
   * Fills in what a new Service needs.
   * @throws ApiError Invalid when what it asks for is taken or out of range, InternalError when a range is full
   */
  beginCreate(service: Service, options: { readonly dryRun: boolean }): HookOutcome {
    return this.#attempt(service, options, (addresses, ports) => {
      initIpFamilies({ service, old: undefined }, this.addresses.families);
      this.#takeAddresses(service, addresses);
      if (usesNodePorts(service)) this.#takeNodePorts(service, ports);
      if (needsHealthCheckPort(service)) this.#takeHealthCheckPort(service, ports);
    });
  }

  /** The same for a changed Service. What the old one no longer needs is free when the new one is stored. */
  beginUpdate(service: Service, old: corev1.Service, options: { readonly dryRun: boolean }): HookOutcome {
    return this.#attempt(service, options, (addresses, ports) => {
      initIpFamilies({ service, old }, this.addresses.families);
      this.#updateAddresses({ service, old }, addresses);
      if (usesNodePorts(service)) this.#updateNodePorts(service, old, ports);
      if (needsHealthCheckPort(service) && !needsHealthCheckPort(old)) this.#takeHealthCheckPort(service, ports);
    });
  }

  /** Follows a change of the stored Services: the first argument of the pair is undefined for an addition, the second for a deletion. */
  observe(change: { readonly old: corev1.Service | undefined; readonly current: corev1.Service | undefined }): void {
    const before = claimsOf(change.old);
    const after = claimsOf(change.current);
    const holder = holderOf((change.current ?? change.old)!);
    for (const address of after.addresses) this.addresses.hold(address, holder);
    for (const port of after.ports) this.ports.pool.hold(port, holder);
    for (const address of before.addresses) if (!after.addresses.has(address)) this.addresses.unhold(address, holder);
    for (const port of before.ports) if (!after.ports.has(port)) this.ports.pool.unhold(port, holder);
  }

  #attempt(
    service: Service,
    options: { readonly dryRun: boolean },
    take: (addresses: PoolOperation<string>, ports: PoolOperation<number>) => void,
  ): HookOutcome {
    const addresses = this.addresses.pool.begin(options);
    const ports = this.ports.pool.begin(options);
    const abandoned = (): void => {
      addresses.abandon();
      ports.abandon();
    };
    try {
      take(addresses, ports);
    } catch (error) {
      abandoned();
      throw error;
    }
    return {
      committed: () => {
        const holder = holderOf(service);
        addresses.commit(holder);
        ports.commit(holder);
      },
      abandoned,
    };
  }

  /** An address of each family. */
  #takeAddresses(service: Service, operation: PoolOperation<string>): void {
    const { spec } = service;
    if (spec.type === 'ExternalName' || isHeadless(service)) return;
    const families = spec.ipFamilies ?? [];
    // Empty is one that nobody asked for by name.
    const asked = families.map((_, i) => spec.clusterIPs?.[i] ?? '');
    const given = families.map((family, i) => this.#takeAddress(service, { family: family as IpFamily, asked, i }, operation));
    spec.clusterIP = given[0]!;
    spec.clusterIPs = given;
  }

  /** From or to ExternalName a Service gets or loses all its addresses; a second family comes with one and goes with it. */
  #updateAddresses({ service, old }: { readonly service: Service; readonly old: corev1.Service }, operation: PoolOperation<string>): void {
    const { spec } = service;
    if (keepsPreferDualStack(service, old) || spec.type === 'ExternalName') return;
    if (old.spec.type === 'ExternalName') return this.#takeAddresses(service, operation);
    if (isHeadless(old) || old.spec.ipFamilies?.length !== 1 || spec.ipFamilies?.length !== 2) return;
    const [primary = '', second = ''] = spec.clusterIPs ?? [];
    const place = { family: spec.ipFamilies[1] as IpFamily, asked: [primary, second], i: 1 };
    spec.clusterIPs = [primary, this.#takeAddress(service, place, operation)];
  }

  #takeAddress(
    service: Service,
    { family, asked, i }: { readonly family: IpFamily; readonly asked: readonly string[]; readonly i: number },
    operation: PoolOperation<string>,
  ): string {
    const wanted = asked[i];
    if (wanted) {
      const problem = this.addresses.take(wanted, operation);
      if (problem) refuseAddress(service, { asked, address: wanted }, problem);
      return wanted;
    }
    const address = this.addresses.takeNext(family, operation);
    if (address === undefined) throw internalError('failed to allocate a serviceIP: range is full');
    return address;
  }

  /** A port that appears twice with the same number (TCP and UDP) gets the same node port for both. */
  #takeNodePorts(service: Service, operation: PoolOperation<number>): void {
    const ports = service.spec.ports ?? [];
    const nodePortOf = new Map<number, number>();
    for (const [i, port] of ports.entries()) {
      if (!port.nodePort && !allocatesNodePorts(service)) continue;
      const known = nodePortOf.get(port.port);
      if (known === undefined) {
        const asked = ports.find((other) => other.port === port.port && other.nodePort)?.nodePort;
        if (asked) this.#takeNodePort(service, { index: i, port: asked }, operation);
        port.nodePort = asked ?? this.#anyNodePort(operation);
        nodePortOf.set(port.port, port.nodePort);
      } else if (!port.nodePort) {
        port.nodePort = known;
      } else if (port.nodePort !== known) {
        this.#takeNodePort(service, { index: i, port: port.nodePort }, operation);
      }
    }
  }

  #updateNodePorts(service: Service, old: corev1.Service, operation: PoolOperation<number>): void {
    const oldPorts = new Set((old.spec.ports ?? []).map(({ nodePort }) => nodePort));
    const taken = new Set<number>();
    const seen = new Set<string>();
    for (const [i, port] of (service.spec.ports ?? []).entries()) {
      if (!port.nodePort && !allocatesNodePorts(service)) continue;
      if (port.nodePort) {
        if (!oldPorts.has(port.nodePort) && !taken.has(port.nodePort)) {
          this.#takeNodePort(service, { index: i, port: port.nodePort }, operation);
          taken.add(port.nodePort);
        }
      } else {
        port.nodePort = this.#anyNodePort(operation);
      }
      const protocol = port.protocol ?? 'TCP';
      if (seen.has(`${protocol}/${port.nodePort}`)) throw internalError(`duplicate nodePort: {${protocol} ${port.nodePort}}`);
      seen.add(`${protocol}/${port.nodePort}`);
    }
  }

  #takeNodePort(service: Service, asked: { readonly index: number; readonly port: number }, operation: PoolOperation<number>): void {
    const problem = this.ports.take(asked.port, operation);
    if (problem) refuse(service, fieldErrors.invalidValue(`spec.ports[${asked.index}].nodePort`, asked.port, problem));
  }

  #anyNodePort(operation: PoolOperation<number>): number {
    const port = this.ports.takeNext(operation);
    if (port === undefined) throw internalError('failed to allocate a nodePort: range is full');
    return port;
  }

  #takeHealthCheckPort(service: Service, operation: PoolOperation<number>): void {
    const asked = service.spec.healthCheckNodePort;
    if (asked) {
      const problem = this.ports.take(asked, operation);
      if (problem) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${problem}`);
      return;
    }
    const port = this.ports.takeNext(operation);
    if (port === undefined) throw internalError('failed to allocate a HealthCheck NodePort 0: range is full');
    service.spec.healthCheckNodePort = port;
  }
}

/**
 * @param wish what was asked for, by family, empty where nothing was; and the address that cannot be had
 * @throws ApiError Invalid, always
 */
export function refuseAddress(
  service: Service,
  wish: { readonly asked: readonly string[]; readonly address: string },
  problem: string,
): never {
  const detail = `failed to allocate IP ${wish.address}: ${problem}`;
  refuse(service, fieldErrors.invalidValue('spec.clusterIPs', wish.asked, detail));
}

/** What a stored Service holds; addresses in canonical text. */
export function claimsOf(service: corev1.Service | undefined): {
  readonly addresses: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
} {
  if (!service) return { addresses: new Set(), ports: new Set() };
  const { spec } = service;
  const hasAddresses = spec.type !== 'ExternalName' && !isHeadless(service);
  const listed = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const ports = (spec.ports ?? []).flatMap(({ nodePort }) => nodePort || []);
  if (needsHealthCheckPort(service) && spec.healthCheckNodePort) ports.push(spec.healthCheckNodePort);
  return { addresses: new Set(hasAddresses ? listed.map(canonicalAddress) : []), ports: new Set(ports) };
}

/** How a Service is named in the pools: by uid, so that a new one of the same name is another. */
export function holderOf(service: Service | corev1.Service): string {
  return `${service.metadata.namespace ?? ''}/${service.metadata.name}/${service.metadata.uid}`;
}

function usesNodePorts({ spec }: Service | corev1.Service): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

function allocatesNodePorts({ spec }: Service): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

function needsHealthCheckPort({ spec }: Service | corev1.Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

function refuse(service: Service, error: FieldError): never {
  throw invalid({ group: '', resource: 'Service', name: service.metadata.name }, [error]);
}
