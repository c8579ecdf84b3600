/** The door of Service allocation: cluster addresses and node ports. */
import { corev1Resources, type networkingv1, networkingv1Resources } from '../../api/index.ts';
import { isAbort } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { ApiServerHost, ExtensionFactory } from '../extension.ts';
import type { CacheObserver } from '../storage.ts';
import { AddressObjects, holderOfObject } from './address-objects.ts';
import { NodePorts, parsePortRange } from './node-ports.ts';
import { createRepairRecorder, portRepairComponent } from './repair-events.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { ServiceAllocator } from './service-allocator.ts';
import { serviceHooks } from './service-hooks.ts';
import { rangesInUse } from './service-ranges.ts';
import { ServiceRepair } from './service-repair.ts';

const { ipaddresses, servicecidrs } = networkingv1Resources;

export interface AllocatorOptions {
  /** `--service-cluster-ip-range`: a range, or one of each family, that of Services that name none first; default `10.96.0.0/12`. */
  readonly serviceCidrs?: readonly string[] | undefined;
  /** `--service-node-port-range`; default `30000-32767`. */
  readonly nodePortRange?: string;
  /** How often what is held is compared with what is stored; default three minutes, as upstream. */
  readonly repairIntervalMs?: number;
}

export { firstServiceAddress, serviceRangeFaults } from './service-addresses.ts';
export { defaultServiceCidrName } from './service-ranges.ts';

export const defaultServiceCidrs: readonly string[] = ['10.96.0.0/12'];

/** Gives Services their addresses and ports. @throws RangeError when a range cannot be read */
export function allocatorsExtension(options: AllocatorOptions = {}): ExtensionFactory {
  return (host) => {
    const configured = options.serviceCidrs ?? defaultServiceCidrs;
    const addresses = new ServiceAddresses({ cidrs: configured, random: host.random });
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
        void keepRepaired(
          host,
          { repair: new ServiceRepair(allocator), objects, recorder: createRepairRecorder(host) },
          options.repairIntervalMs ?? 180_000,
        );
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
  readonly recorder: EventRecorder;
}

async function keepRepaired(host: ApiServerHost, { repair, objects, recorder }: Repairs, intervalMs: number): Promise<void> {
  try {
    for (;;) {
      const services = host.registry.cachedList(corev1Resources.services);
      for (const { service, reason, message } of repair.run(services, (address) => objects.stored(address))) {
        const about = reason.startsWith('Port') ? 'Port' : 'ClusterIP';
        const speaker = about === 'Port' ? recorder.as!(portRepairComponent) : recorder;
        speaker.event(service, { type: 'Warning', reason, message, action: `${about}Allocation` });
      }
      if (objects.areServed) {
        await attempt(host, async () => {
          for (const { object, reason, message } of await objects.repair(services)) {
            recorder.event(object, {
              type: 'Warning',
              reason,
              message,
              action: `${object.kind === 'Service' ? 'ClusterIP' : 'IPAddress'}Allocation`,
            });
          }
        });
      }
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
