/**
 * IPAddress objects of Services: one for each cluster address, made before the Service is stored and removed after it is gone, so
 * that whoever looks at the objects sees every address that is taken, and an address that somebody else has taken is not given.
 * @source kubernetes pkg/registry/core/service/ipallocator/{ipallocator,controller/repairip}.go, v1.35
 */
import {
  type corev1,
  corev1Resources,
  type Draft,
  isApiError,
  ipFamilyOf,
  type networkingv1,
  networkingv1Resources,
  type Unsaved,
} from '../../api/index.ts';
import { isAbort } from '../../base/index.ts';
import { loopbackUser } from '../auth/users.ts';
import type { ApiServerHost } from '../extension.ts';
import type { Operation } from '../storage.ts';
import { claimsOf } from './service-allocator.ts';

type IPAddress = networkingv1.IPAddress;
type ServiceName = { readonly namespace: string; readonly name: string };

const { ipaddresses } = networkingv1Resources;
const managedBy = 'ipaddress.kubernetes.io/managed-by';
const manager = 'ipallocator.k8s.io';
const family = 'ipaddress.kubernetes.io/ip-family';
const options = { fieldManager: 'kube-apiserver' } as const;
/** How long an object may be without its Service: the Service may be on its way. */
const graceMs = 60_000;

export class AddressObjects {
  readonly #host: ApiServerHost;
  readonly #op: Operation;

  constructor(host: ApiServerHost) {
    this.#host = host;
    this.#op = { user: loopbackUser, signal: host.signal, warn: () => {} };
  }

  /** False where the kind is not served: then addresses are taken without objects. */
  get areServed(): boolean {
    return this.#host.registry.definition(ipaddresses.group, ipaddresses.version, ipaddresses.plural) !== undefined;
  }

  /** Makes the object of an address. One that this Service has already is taken over. @returns false when it is somebody else's */
  async claim(address: string, service: ServiceName): Promise<boolean> {
    const object = objectFor(address, service);
    try {
      // The registry fills in the rest.
      await this.#host.registry.storage(ipaddresses).create(object as unknown as Draft<IPAddress>, { ...options, namespace: '' }, this.#op);
      return true;
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      const stored = this.#host.registry.cached(ipaddresses, { namespace: '', name: address });
      return stored !== undefined && isOf(stored, service);
    }
  }

  /** Removes the objects of addresses that a Service no longer has. What fails is left to the next repair. */
  async release(addresses: Iterable<string>, service: ServiceName): Promise<void> {
    const { registry, log, signal } = this.#host;
    for (const name of addresses) {
      const stored = registry.cached(ipaddresses, { namespace: '', name });
      if (!stored || !isOf(stored, service)) continue;
      try {
        const preconditions = { uid: stored.metadata.uid };
        await registry.storage(ipaddresses).delete({ namespace: '', name }, { preconditions }, this.#op);
      } catch (error) {
        if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict') || isAbort(error, signal)) continue;
        log.warn('the object of an address could not be removed', { address: name, err: error });
      }
    }
  }

  /** The object of an address, as far as it is known. */
  stored(address: string): IPAddress | undefined {
    return this.areServed ? this.#host.registry.cached(ipaddresses, { namespace: '', name: address }) : undefined;
  }

  /**
   * Makes objects that are missing or wrong and removes those whose Service is gone or has another address.
   * @returns what was found, in the words of upstream's events
   */
  async repair(services: readonly corev1.Service[]): Promise<readonly Finding[]> {
    const { registry, clock } = this.#host;
    const findings: Finding[] = [];
    const known = new Map(services.map((service) => [keyOfService(nameOf(service)), service]));
    for (const service of services) {
      for (const address of claimsOf(service).addresses) await this.#repairAddress({ service, address, known }, findings);
    }
    for (const stored of registry.cachedList(ipaddresses)) {
      const leak = leakOf(stored, known, clock.now());
      if (!leak) continue;
      findings.push({ object: stored, ...leak });
      await this.#remove(stored);
    }
    return findings;
  }

  async #repairAddress({ service, address, known }: Claim, findings: Finding[]): Promise<void> {
    const stored = this.stored(address);
    const about = `[${ipFamilyOf(address)}]: ${address}`;
    if (!stored) {
      // It may have given the address back since the list was made.
      const current = this.#host.registry.cached(corev1Resources.services, nameOf(service));
      if (!current || !claimsOf(current).addresses.has(address)) return;
      findings.push({ object: service, reason: 'ClusterIPNotAllocated', message: `Cluster IP ${about} is not allocated; repairing` });
      await this.claim(address, nameOf(service));
      return;
    }
    if (isOf(stored, nameOf(service))) {
      if (stored.metadata.labels?.[managedBy] === manager && stored.metadata.labels[family] === ipFamilyOf(address)) return;
    } else {
      const { parentRef } = stored.spec;
      const other = known.get(keyOfService({ namespace: parentRef.namespace ?? '', name: parentRef.name }));
      // Two Services with one address: the repair of Services tells the one that the object does not name.
      if (!parentRef.group && parentRef.resource === 'services' && other) return;
      const { namespace, name } = nameOf(service);
      const message = `the ClusterIP ${about} for Service ${namespace}/${name} has a wrong reference; repairing`;
      findings.push({ object: service, reason: 'ClusterIPNotAllocated', message });
    }
    await this.#remove(stored);
    await this.claim(address, nameOf(service));
  }

  async #remove({ metadata }: IPAddress): Promise<void> {
    try {
      const preconditions = { uid: metadata.uid };
      await this.#host.registry.storage(ipaddresses).delete({ namespace: '', name: metadata.name }, { preconditions }, this.#op);
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
  }
}

/** A fault that was mended, and the object that it is about. */
export interface Finding {
  readonly object: corev1.Service | IPAddress;
  readonly reason: string;
  readonly message: string;
}

interface Claim {
  readonly service: corev1.Service;
  readonly address: string;
  /** Every Service, by namespace and name. */
  readonly known: ReadonlyMap<string, corev1.Service>;
}

/** Why an object of the allocator has to go; undefined when it may stay. Objects of others are theirs. */
function leakOf({ metadata, spec }: IPAddress, known: Claim['known'], now: number): Omit<Finding, 'object'> | undefined {
  if (metadata.labels?.[managedBy] !== manager) return undefined;
  const { name, creationTimestamp } = metadata;
  const { parentRef } = spec;
  if (parentRef.group || parentRef.resource !== 'services') {
    const reference = `&ParentReference{Group:${parentRef.group ?? ''},Resource:${parentRef.resource},Namespace:${parentRef.namespace ?? ''},Name:${parentRef.name},}`;
    const message = `IPAddress ${name} appears to have been modified, not referencing a Service ${reference}: cleaning up`;
    return { reason: 'IPAddressNotAllocated', message };
  }
  const owner = `${parentRef.namespace}/${parentRef.name}`;
  const service = known.get(owner);
  if (service && claimsOf(service).addresses.has(name)) return undefined;
  // The Service may be on its way, or back to what it was.
  if (now - Date.parse(creationTimestamp) < graceMs) return undefined;
  return service
    ? { reason: 'IPAddressWrongReference', message: `IPAddress: ${name} for Service ${owner} has a wrong reference; cleaning up` }
    : { reason: 'IPAddressNotAllocated', message: `IPAddress: ${name} for Service ${owner} appears to have leaked: cleaning up` };
}

function keyOfService({ namespace, name }: ServiceName): string {
  return `${namespace}/${name}`;
}

export function nameOf({ metadata }: corev1.Service | Draft<corev1.Service>): ServiceName {
  return { namespace: metadata.namespace ?? '', name: metadata.name };
}

/** How the pool knows an address that an object speaks for. */
export function holderOfObject({ metadata }: IPAddress): string {
  return `${objectHolderPrefix}${metadata.name}`;
}

export const objectHolderPrefix = 'ipaddress/';

function isOf({ spec }: IPAddress, { namespace, name }: ServiceName): boolean {
  const { parentRef } = spec;
  return !parentRef.group && parentRef.resource === 'services' && parentRef.namespace === namespace && parentRef.name === name;
}

function objectFor(address: string, { namespace, name }: ServiceName): Unsaved<IPAddress> {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: address, labels: { [family]: ipFamilyOf(address) ?? '', [managedBy]: manager } },
    spec: { parentRef: { resource: 'services', namespace, name } },
  };
}
