/**
 * IPAddress objects of Services: one for each cluster address, made before the Service is stored and removed after it is gone, so
 * that whoever looks at the objects sees every address that is taken, and an address that somebody else has taken is not given.
 * @source kubernetes pkg/registry/core/service/ipallocator/{ipallocator,controller/repairip}.go, v1.35
 */
import { type corev1, type Draft, isApiError, type networkingv1, networkingv1Resources, type Unsaved } from '../../api/index.ts';
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

  /** Makes objects that are missing and removes those whose Service is gone. */
  async repair(services: readonly corev1.Service[]): Promise<void> {
    const { registry, clock } = this.#host;
    const owners = new Map<string, ServiceName>();
    for (const service of services) for (const address of claimsOf(service).addresses) owners.set(address, nameOf(service));
    for (const [address, service] of owners) {
      if (!registry.cached(ipaddresses, { namespace: '', name: address })) await this.claim(address, service);
    }
    for (const stored of registry.cachedList(ipaddresses)) {
      const { name, labels, creationTimestamp } = stored.metadata;
      const { parentRef } = stored.spec;
      if (labels?.[managedBy] !== manager || parentRef.resource !== 'services' || parentRef.group) continue;
      const owner = owners.get(name);
      const service = { namespace: parentRef.namespace ?? '', name: parentRef.name };
      if (owner && isOf(stored, owner)) continue;
      if (clock.now() - Date.parse(creationTimestamp) >= graceMs) await this.release([name], service);
    }
  }
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
    metadata: { name: address, labels: { [family]: 'IPv4', [managedBy]: manager } },
    spec: { parentRef: { resource: 'services', namespace, name } },
  };
}
