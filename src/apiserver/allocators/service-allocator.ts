/**
 * Addresses and ports of Services: gives each Service what it needs before it is stored, follows what is stored, and takes back
 * what no stored Service names any more. What is stored is the only truth: the pools are a picture of it plus the writes under way.
 * @source kubernetes pkg/registry/core/service/storage/alloc.go
 */
import { type corev1, type Draft, type FieldError, fieldErrors, internalError, invalid, ipFamilyOf } from '../../api/index.ts';
import type { HookOutcome } from '../extension.ts';
import { initIpFamilies, isHeadless, keepsPreferDualStack } from './ip-families.ts';
import type { NodePorts } from './node-ports.ts';
import type { PoolOperation } from './number-pool.ts';
import type { ServiceAddresses } from './service-addresses.ts';

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
      if (!hasReadableAddresses(service)) return;
      initIpFamilies(service, undefined);
      this.#takeAddresses(service, addresses);
      if (usesNodePorts(service)) this.#takeNodePorts(service, ports);
      if (needsHealthCheckPort(service)) this.#takeHealthCheckPort(service, ports);
    });
  }

  /** The same for a changed Service. What the old one no longer needs is free when the new one is stored. */
  beginUpdate(service: Service, old: corev1.Service, options: { readonly dryRun: boolean }): HookOutcome {
    return this.#attempt(service, options, (addresses, ports) => {
      if (!hasReadableAddresses(service)) return;
      initIpFamilies(service, old);
      if (!keepsPreferDualStack(service, old) && old.spec.type === 'ExternalName' && service.spec.type !== 'ExternalName') {
        this.#takeAddresses(service, addresses);
      }
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
    take: (addresses: PoolOperation, ports: PoolOperation) => void,
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

  #takeAddresses(service: Service, operation: PoolOperation): void {
    const { spec } = service;
    if (spec.type === 'ExternalName' || isHeadless(service)) return;
    const asked = spec.clusterIPs?.[0] || spec.clusterIP;
    if (asked) {
      const problem = this.addresses.take(asked, operation);
      if (problem) refuseAddress(service, asked, problem);
    }
    const address = asked || this.addresses.takeNext(operation);
    if (!address) throw internalError('failed to allocate a serviceIP: range is full');
    spec.clusterIP = address;
    spec.clusterIPs = [address];
  }

  /** A port that appears twice with the same number (TCP and UDP) gets the same node port for both. */
  #takeNodePorts(service: Service, operation: PoolOperation): void {
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

  #updateNodePorts(service: Service, old: corev1.Service, operation: PoolOperation): void {
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

  #takeNodePort(service: Service, asked: { readonly index: number; readonly port: number }, operation: PoolOperation): void {
    const problem = this.ports.take(asked.port, operation);
    if (problem) refuse(service, fieldErrors.invalidValue(`spec.ports[${asked.index}].nodePort`, asked.port, problem));
  }

  #anyNodePort(operation: PoolOperation): number {
    const port = operation.takeNext();
    if (port === undefined) throw internalError('failed to allocate a nodePort: range is full');
    return port;
  }

  #takeHealthCheckPort(service: Service, operation: PoolOperation): void {
    const asked = service.spec.healthCheckNodePort;
    if (asked) {
      const problem = this.ports.take(asked, operation);
      if (problem) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${problem}`);
      return;
    }
    const port = operation.takeNext();
    if (port === undefined) throw internalError('failed to allocate a HealthCheck NodePort 0: range is full');
    service.spec.healthCheckNodePort = port;
  }
}

/** @throws ApiError Invalid: an address that was asked for cannot be had */
export function refuseAddress(service: Service, asked: string, problem: string): never {
  refuse(service, fieldErrors.invalidValue('spec.clusterIPs', [asked], `failed to allocate IP ${asked}: ${problem}`));
}

/** What a stored Service holds. */
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
  return { addresses: new Set(hasAddresses ? listed : []), ports: new Set(ports) };
}

/** How a Service is named in the pools: by uid, so that a new one of the same name is another. */
export function holderOf(service: Service | corev1.Service): string {
  return `${service.metadata.namespace ?? ''}/${service.metadata.name}/${service.metadata.uid}`;
}

/** False when validation will refuse the addresses: then there is nothing to take, and its words are better. */
export function hasReadableAddresses({ spec }: Service): boolean {
  return [...(spec.clusterIPs ?? []), ...(spec.clusterIP ? [spec.clusterIP] : [])].every(
    (address) => address === 'None' || address === '' || ipFamilyOf(address) !== undefined,
  );
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
