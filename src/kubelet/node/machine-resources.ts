/** What the node has and what it gives to pods. Pure. @source pkg/kubelet/cm node_container_manager_linux.go, v1.35 */
import { milliQuantityOf, parseQuantity, type Quantity, quantityOf } from '../../api/index.ts';
import type { MachineFacts } from '../host/host.ts';
import type { EvictionThresholds } from '../eviction/thresholds.ts';
import { thresholdBytes } from '../eviction/thresholds.ts';

type ResourceList = Readonly<Record<string, string>>;

export interface Reservations {
  readonly kubeReserved: ResourceList;
  readonly systemReserved: ResourceList;
  readonly maxPods: number;
  readonly thresholds: EvictionThresholds;
}

const kib = 1024;

/** In the form in which the API server stores quantities: what is written otherwise would look changed at every look. */
export function nodeCapacity(machine: MachineFacts, maxPods: number): ResourceList {
  const hugepages = Object.entries(machine.hugepages).map(([name, text]) => [name, parseQuantity(text).toString()]);
  return {
    cpu: milliQuantityOf(machine.cpuMillis).toString(),
    'ephemeral-storage': binary(machine.diskBytes),
    ...Object.fromEntries(hugepages),
    memory: binary(machine.memoryBytes),
    pods: String(maxPods),
  };
}

function binary(bytes: number): string {
  return quantityOf(Math.floor(bytes / kib) * kib, 'BinarySI').toString();
}

/** Capacity less what is reserved and what eviction keeps free; never below zero. */
export function nodeAllocatable(machine: MachineFacts, { kubeReserved, systemReserved, maxPods, thresholds }: Reservations): ResourceList {
  const capacity = nodeCapacity(machine, maxPods);
  const kept: Readonly<Record<string, number>> = {
    memory: thresholdBytes(thresholds.memoryAvailable, machine.memoryBytes),
    'ephemeral-storage': thresholdBytes(thresholds.nodeFsAvailable, machine.diskBytes),
  };
  const hugeBytes = Object.values(machine.hugepages).reduce((sum, text) => sum + parseQuantity(text).value(), 0);
  return Object.fromEntries(
    Object.entries(capacity).map(([name, text]) => {
      let left = parseQuantity(text);
      const takeAway = (amount: Quantity): void => {
        left = left.subtract(amount);
      };
      for (const reserved of [kubeReserved, systemReserved]) if (reserved[name] !== undefined) takeAway(parseQuantity(reserved[name]));
      if (kept[name]) takeAway(quantityOf(Math.floor(kept[name])));
      // Memory in huge pages is not there for anything else.
      if (name === 'memory') takeAway(quantityOf(hugeBytes));
      if (left.sign < 0) return [name, '0'];
      return [name, left.toString()];
    }),
  );
}
