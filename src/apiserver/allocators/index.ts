/** The door of Service allocation: cluster addresses and node ports. */
import { corev1Resources } from '../../api/index.ts';
import { isAbort } from '../../base/index.ts';
import type { ApiServerHost, ExtensionFactory, ResourceHooks } from '../extension.ts';
import type { corev1 } from '../../api/index.ts';
import { NodePorts, parsePortRange } from './node-ports.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { ServiceAllocator } from './service-allocator.ts';
import { ServiceRepair } from './service-repair.ts';

export interface AllocatorOptions {
  /** `--service-cluster-ip-range`; default `10.96.0.0/12`. */
  readonly serviceCidr?: string;
  /** `--service-node-port-range`; default `30000-32767`. */
  readonly nodePortRange?: string;
  /** How often what is held is compared with what is stored; default three minutes, as upstream. */
  readonly repairIntervalMs?: number;
}

export { firstServiceAddress } from './service-addresses.ts';

export const defaultServiceCidr = '10.96.0.0/12';

/** Gives Services their addresses and ports. @throws RangeError when a range cannot be read */
export function allocatorsExtension(options: AllocatorOptions = {}): ExtensionFactory {
  return (host) => {
    const allocator = new ServiceAllocator({
      addresses: new ServiceAddresses({ cidr: options.serviceCidr ?? defaultServiceCidr, random: host.random }),
      ports: new NodePorts({ range: parsePortRange(options.nodePortRange ?? '30000-32767'), random: host.random }),
    });
    const services: ResourceHooks<corev1.Service> = {
      beginCreate: (service, { dryRun }) => allocator.beginCreate(service, { dryRun: dryRun === true }),
      beginUpdate: (service, old, { dryRun }) => allocator.beginUpdate(service, old, { dryRun: dryRun === true }),
    };
    return {
      hooks: { services },
      start: () => {
        const observation = host.registry.observe(corev1Resources.services, (change) => allocator.observe(change));
        host.signal.addEventListener('abort', () => observation[Symbol.dispose](), { once: true });
        void keepRepaired(host, new ServiceRepair(allocator), options.repairIntervalMs ?? 180_000);
        return Promise.resolve();
      },
    };
  };
}

async function keepRepaired(host: ApiServerHost, repair: ServiceRepair, intervalMs: number): Promise<void> {
  try {
    for (;;) {
      for (const { service, reason, message } of repair.run(host.registry.cachedList(corev1Resources.services))) {
        host.log.warn(message, { reason, service: `${service.metadata.namespace}/${service.metadata.name}` });
      }
      await host.clock.sleep(intervalMs, host.signal);
    }
  } catch (error) {
    if (!isAbort(error, host.signal)) host.log.error('looking over the services failed', { err: error });
  }
}
