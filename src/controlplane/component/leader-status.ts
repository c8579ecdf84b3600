/** The metric by which everybody sees who leads. @source component-base metrics/prometheus/clientgo/leaderelection, v1.35 */
import { Gauge, type Registry } from '../../base/index.ts';

/** @param name of the Lease */
export function registerLeaderStatus(registry: Registry, name: string, isLeading: () => boolean): void {
  const status: Gauge<'name'> = new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads, by the name of the Lease: 1 or 0.',
    labelNames: ['name'] as const,
    registers: [registry],
    collect: () => status.set({ name }, isLeading() ? 1 : 0),
  });
}
