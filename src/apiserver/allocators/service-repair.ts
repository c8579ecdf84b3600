/**
 * Looks over what Services hold: clashes and numbers outside the ranges, which only a restored backup or a changed range can
 * bring about, are told; a hold without a Service behind it is freed when two looks in a row have found it, so that a write
 * whose event is still on its way keeps what it took.
 * @source kubernetes pkg/registry/core/service/ipallocator/controller, portallocator/controller
 */
import type { corev1 } from '../../api/index.ts';
import { objectHolderPrefix } from './address-objects.ts';
import type { NumberPool } from './number-pool.ts';
import { claimsOf, holderOf, type ServiceAllocator } from './service-allocator.ts';

/** Something that an administrator has to mend. */
export interface ServiceFault {
  readonly service: corev1.Service;
  readonly reason: 'ClusterIPAlreadyAllocated' | 'ClusterIPOutOfRange' | 'PortAlreadyAllocated' | 'PortOutOfRange';
  readonly message: string;
}

export class ServiceRepair {
  readonly #allocator: ServiceAllocator;
  #suspects = new Set<string>();

  constructor(allocator: ServiceAllocator) {
    this.#allocator = allocator;
  }

  /** @returns what is wrong with the stored Services, which must be all there are */
  run(services: readonly corev1.Service[]): ServiceFault[] {
    this.#freeLeaks(services);
    return services.flatMap((service) => [...this.#addressFaults(service), ...this.#portFaults(service)]);
  }

  #freeLeaks(services: readonly corev1.Service[]): void {
    const holders = new Set(services.map(holderOf));
    const found = new Set<string>();
    const look = (pool: NumberPool, kind: string): void => {
      for (const [number, heldBy] of pool.held()) {
        for (const holder of heldBy) {
          const suspect = `${kind} ${number} ${holder}`;
          if (holders.has(holder) || holder.startsWith(objectHolderPrefix)) continue;
          if (this.#suspects.has(suspect)) pool.unhold(number, holder);
          else found.add(suspect);
        }
      }
    };
    look(this.#allocator.addresses.pool, 'address');
    look(this.#allocator.ports.pool, 'port');
    this.#suspects = found;
  }

  #addressFaults(service: corev1.Service): ServiceFault[] {
    const { addresses } = this.#allocator;
    return [...claimsOf(service).addresses].flatMap((address): ServiceFault[] => {
      if (!addresses.contains(address)) {
        const message = `Cluster IP [IPv4]: ${address} is not within any configured Service CIDR; please recreate service`;
        return [{ service, reason: 'ClusterIPOutOfRange', message }];
      }
      const services = [...addresses.holders(address)].filter((holder) => !holder.startsWith(objectHolderPrefix));
      if (services.length < 2) return [];
      const message = `Cluster IP [IPv4]: ${address} was assigned to multiple services; please recreate service`;
      return [{ service, reason: 'ClusterIPAlreadyAllocated', message }];
    });
  }

  #portFaults(service: corev1.Service): ServiceFault[] {
    const { pool, range } = this.#allocator.ports;
    return [...claimsOf(service).ports].flatMap((port): ServiceFault[] => {
      if (!pool.contains(port)) {
        const message = `Port ${port} is not within the port range ${range.first}-${range.last}; please recreate service`;
        return [{ service, reason: 'PortOutOfRange', message }];
      }
      if (pool.holders(port).size < 2) return [];
      return [
        { service, reason: 'PortAlreadyAllocated', message: `Port ${port} was assigned to multiple services; please recreate service` },
      ];
    });
  }
}
