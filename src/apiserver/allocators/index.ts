/** The door of Service allocation: cluster addresses and node ports. */
import { corev1Resources, type networkingv1, networkingv1Resources } from '../../api/index.ts';
import { isAbort } from '../../base/index.ts';
import type { ApiServerHost, ExtensionFactory } from '../extension.ts';
import type { CacheObserver } from '../storage.ts';
import { AddressObjects, holderOfObject } from './address-objects.ts';
import { NodePorts, parsePortRange } from './node-ports.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { ServiceAllocator } from './service-allocator.ts';
import { serviceHooks } from './service-hooks.ts';
import { rangesInUse } from './service-ranges.ts';
import { ServiceRepair } from './service-repair.ts';

const { ipaddresses, servicecidrs } = networkingv1Resources;

export interface AllocatorOptions {
  /** `--service-cluster-ip-range`; default `10.96.0.0/12`. */
  readonly serviceCidr?: string;
  /** `--service-node-port-range`; default `30000-32767`. */
  readonly nodePortRange?: string;
  /** How often what is held is compared with what is stored; default three minutes, as upstream. */
  readonly repairIntervalMs?: number;
}

export { firstServiceAddress } from './service-addresses.ts';
export { defaultServiceCidrName } from './service-ranges.ts';

export const defaultServiceCidr = '10.96.0.0/12';

/** Gives Services their addresses and ports. @throws RangeError when a range cannot be read */
export function allocatorsExtension(options: AllocatorOptions = {}): ExtensionFactory {
  return (host) => {
    const configured = options.serviceCidr ?? defaultServiceCidr;
    const addresses = new ServiceAddresses({ cidr: configured, random: host.random });
    const ports = new NodePorts({ range: parsePortRange(options.nodePortRange ?? '30000-32767'), random: host.random });
    const allocator = new ServiceAllocator({ addresses, ports });
    const objects = new AddressObjects(host);
    return {
      hooks: { services: serviceHooks(allocator, objects) },
      start: () => {
        const { registry } = host;
        const observations = [registry.observe(corev1Resources.services, (change) => allocator.observe(change))];
        if (objects.areServed) {
          observations.push(registry.observe(ipaddresses, (change) => observeObject(addresses, change)));
        }
        if (registry.definition(servicecidrs.group, servicecidrs.version, servicecidrs.plural)) {
          observations.push(
            registry.observe(servicecidrs, () => addresses.useRanges(rangesInUse(registry.cachedList(servicecidrs), configured))),
          );
        }
        host.signal.addEventListener('abort', () => observations.forEach((one) => one[Symbol.dispose]()), { once: true });
        void keepRepaired(host, { repair: new ServiceRepair(allocator), objects }, options.repairIntervalMs ?? 180_000);
        return Promise.resolve();
      },
    };
  };
}

function observeObject(addresses: ServiceAddresses, { old, current }: Parameters<CacheObserver<networkingv1.IPAddress>>[0]): void {
  if (current) addresses.hold(current.metadata.name, holderOfObject(current));
  else if (old) addresses.unhold(old.metadata.name, holderOfObject(old));
}

interface Repairs {
  readonly repair: ServiceRepair;
  readonly objects: AddressObjects;
}

async function keepRepaired(host: ApiServerHost, { repair, objects }: Repairs, intervalMs: number): Promise<void> {
  try {
    for (;;) {
      const services = host.registry.cachedList(corev1Resources.services);
      for (const { service, reason, message } of repair.run(services)) {
        host.log.warn(message, { reason, service: `${service.metadata.namespace}/${service.metadata.name}` });
      }
      if (objects.areServed) await attempt(host, () => objects.repair(services));
      await host.clock.sleep(intervalMs, host.signal);
    }
  } catch (error) {
    if (!isAbort(error, host.signal)) host.log.error('looking over the services failed', { err: error });
  }
}

async function attempt({ log, signal }: ApiServerHost, repair: () => Promise<void>): Promise<void> {
  try {
    await repair();
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    log.error('the objects of addresses could not be mended', { err: error });
  }
}
