/** Tells what is wrong with Ingresses as events: each thing once for as long as it is so, and from one node, for all find the same. */
import type { corev1 } from '../api/index.ts';
import type { EventRecorder } from '../client/index.ts';
import type { Problem } from './plan.ts';

export class ProblemSpeaker {
  readonly #recorder: EventRecorder;
  #told = new Set<string>();

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder;
  }

  /** @param speaks false on the nodes that leave it to another; they tell nothing, and all of it should their turn come */
  tell(problems: readonly Problem[], speaks: boolean): void {
    const now = new Set<string>();
    for (const { ingress, reason, message } of speaks ? problems : []) {
      const key = `${ingress.metadata.uid} ${reason} ${message}`;
      now.add(key);
      if (!this.#told.has(key)) this.#recorder.event(ingress, { type: 'Warning', reason, message });
    }
    this.#told = now;
  }
}

/** The nodes whose server takes requests. */
export function servingNodes(nodes: readonly corev1.Node[]): corev1.Node[] {
  const ready = nodes.filter(({ status }) => status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
  return ready.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}
