/**
 * Looks over what Services hold: clashes and what is outside the ranges, which only a restored backup or a changed range can
 * bring about, are told; a hold without a Service behind it is freed when two looks in a row have found it, so that a write
 * whose event is still on its way keeps what it took.
 * @source kubernetes pkg/registry/core/service/ipallocator/controller, portallocator/controller
 */
import { type corev1, ipFamilyOf, type networkingv1 } from '../../api/index.ts';
import { objectHolderPrefix } from './address-objects.ts';
import type { Pool } from './pool.ts';
import { claimsOf, holderOf, type ServiceAllocator } from './service-allocator.ts';

/** Something that an administrator has to mend. */
export interface ServiceFault {
  readonly service: corev1.Service;
  readonly reason: 'ClusterIPAlreadyAllocated' | 'ClusterIPOutOfRange' | 'PortAlreadyAllocated' | 'PortOutOfRange';
  readonly message: string;
}

type ObjectOf = (address: string) => networkingv1.IPAddress | undefined;

export class ServiceRepair {
  readonly #allocator: ServiceAllocator;
  #suspects = new Set<string>();

  constructor(allocator: ServiceAllocator) {
    this.#allocator = allocator;
  }

  /**
   * @param services all there are
   * @param objectOf the IPAddress of an address: it names the Service that has it by right
   * @returns what is wrong with them
   */
  run(services: readonly corev1.Service[], objectOf: ObjectOf = () => undefined): ServiceFault[] {
    this.#freeLeaks(services);
    return services.flatMap((service) => [...this.#addressFaults(service, objectOf), ...this.#portFaults(service)]);
  }

  #freeLeaks(services: readonly corev1.Service[]): void {
    const holders = new Set(services.map(holderOf));
    const found = new Set<string>();
    const look = <K>(pool: Pool<K>, kind: string): void => {
      for (const [one, heldBy] of pool.held()) {
        for (const holder of heldBy) {
          const suspect = `${kind} ${String(one)} ${holder}`;
          if (holders.has(holder) || holder.startsWith(objectHolderPrefix)) continue;
          if (this.#suspects.has(suspect)) pool.unhold(one, holder);
          else found.add(suspect);
        }
      }
    };
    look(this.#allocator.addresses.pool, 'address');
    look(this.#allocator.ports.pool, 'port');
    this.#suspects = found;
  }

  #addressFaults(service: corev1.Service, objectOf: ObjectOf): ServiceFault[] {
    const { addresses } = this.#allocator;
    return [...claimsOf(service).addresses].flatMap((address): ServiceFault[] => {
      const about = `Cluster IP [${ipFamilyOf(address)}]`;
      if (!addresses.contains(address)) {
        const message = `${about}: ${address} is not within any configured Service CIDR; please recreate service`;
        return [{ service, reason: 'ClusterIPOutOfRange', message }];
      }
      const services = [...addresses.holders(address)].filter((holder) => !holder.startsWith(objectHolderPrefix));
      const { namespace, name } = objectOf(address)?.spec.parentRef ?? {};
      const isOwner =
        name === undefined ? services[0] === holderOf(service) : namespace === service.metadata.namespace && name === service.metadata.name;
      if (services.length < 2 || isOwner) return [];
      const message = `${about}:${address} was assigned to multiple services; please recreate service`;
      return [{ service, reason: 'ClusterIPAlreadyAllocated', message }];
    });
  }

  #portFaults(service: corev1.Service): ServiceFault[] {
    const { ports } = this.#allocator;
    const { first, last } = ports.range;
    return [...claimsOf(service).ports].flatMap((port): ServiceFault[] => {
      if (!ports.contains(port)) {
        const message = `Port ${port} is not within the port range ${first}-${last}; please recreate service`;
        return [{ service, reason: 'PortOutOfRange', message }];
      }
      // Who had it first keeps it.
      const [owner] = ports.pool.holders(port);
      if (owner === undefined || owner === holderOf(service)) return [];
      const message = `Port ${port} was assigned to multiple services; please recreate service`;
      return [{ service, reason: 'PortAlreadyAllocated', message }];
    });
  }
}
