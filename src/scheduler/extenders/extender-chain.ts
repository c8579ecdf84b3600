/**
 * All extenders, one after the other: what one leaves, the next is asked about. One that may be ignored and fails is passed over.
 * @source kube-scheduler schedule_one.go (findNodesThatPassExtenders, prioritizeNodes, extendersBinding), v1.35
 */
import type { corev1 } from '../../api/index.ts';
import type { Logger } from '../../base/index.ts';
import { maxNodeScore, type NodeInfo, type NodeStatuses, unresolvable, unschedulable } from '../framework/index.ts';
import { extenderRejector } from '../queue/queue-profile.ts';
import type { SchedulerExtender } from './extender.ts';

/** Extenders score in 0…10. */
const maxExtenderPriority = 10;

export class ExtenderChain {
  readonly all: readonly SchedulerExtender[];
  readonly #log: Logger;

  constructor(extenders: readonly SchedulerExtender[], log: Logger) {
    this.all = extenders;
    this.#log = log;
  }

  get filters(): boolean {
    return this.all.some(({ filters }) => filters);
  }

  get prioritizes(): boolean {
    return this.all.some(({ prioritizes }) => prioritizes);
  }

  isInterested(pod: corev1.Pod): boolean {
    return this.all.some((extender) => extender.isInterested(pod));
  }

  /** Nodes that all extenders leave; the others get a status. @throws what an extender that may not be ignored threw */
  async filter(pod: corev1.Pod, nodes: readonly NodeInfo[], statuses: NodeStatuses): Promise<readonly NodeInfo[]> {
    let left = nodes;
    for (const extender of this.all) {
      if (left.length === 0) break;
      if (!extender.filters || !extender.isInterested(pod)) continue;
      try {
        const { passed, failed, failedAndUnresolvable } = await extender.filter(pod, left);
        for (const node of left) {
          const final = failedAndUnresolvable.get(node.name);
          const reason = failed.get(node.name);
          if (final !== undefined) statuses.set(node, unresolvable(final), extenderRejector);
          else if (reason !== undefined) statuses.set(node, unschedulable(reason), extenderRejector);
        }
        left = passed;
      } catch (err) {
        if (!extender.ignorable) throw err;
        this.#log.info('an extender failed and is ignored', { extender: extender.name, err });
      }
    }
    return left;
  }

  /** What to add to the nodes' sums. An extender that fails says nothing. */
  async prioritize(pod: corev1.Pod, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>> {
    const sums = new Map<string, number>();
    const asked = this.all.filter((extender) => extender.prioritizes && extender.isInterested(pod));
    await Promise.all(
      asked.map(async (extender) => {
        try {
          for (const [name, score] of await extender.prioritize(pod, nodes)) {
            sums.set(name, (sums.get(name) ?? 0) + score * extender.weight * (maxNodeScore / maxExtenderPriority));
          }
        } catch (err) {
          this.#log.debug('an extender gave no scores', { extender: extender.name, err });
        }
      }),
    );
    return sums;
  }

  /** Whether an extender has bound the pod. @throws what the one that binds threw */
  async bind(pod: corev1.Pod, nodeName: string): Promise<boolean> {
    for (const extender of this.all) {
      if (!extender.binds || !extender.isInterested(pod)) continue;
      try {
        await extender.bind(pod, nodeName);
        return true;
      } catch (err) {
        if (!extender.ignorable) throw err;
        this.#log.info('an extender failed to bind and is ignored', { extender: extender.name, err });
      }
    }
    return false;
  }
}
