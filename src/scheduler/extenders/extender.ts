/** What the scheduler asks of a program beside it. @source kube-scheduler extender/v1, v1.35 */
import type { corev1 } from '../../api/index.ts';
import type { Extender, NodeInfo } from '../framework/index.ts';

export interface ExtenderFiltered {
  readonly passed: readonly NodeInfo[];
  /** Node name → why not. */
  readonly failed: ReadonlyMap<string, string>;
  readonly failedAndUnresolvable: ReadonlyMap<string, string>;
}

/** All of these may throw when the extender cannot be asked, or answers nonsense. */
export interface SchedulerExtender extends Extender {
  readonly filters: boolean;
  readonly prioritizes: boolean;
  readonly binds: boolean;
  readonly weight: number;
  filter(pod: corev1.Pod, nodes: readonly NodeInfo[]): Promise<ExtenderFiltered>;
  /** Node name → 0…10. */
  prioritize(pod: corev1.Pod, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>>;
  bind(pod: corev1.Pod, nodeName: string): Promise<void>;
}
