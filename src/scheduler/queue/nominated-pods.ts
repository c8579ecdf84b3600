/**
 * Which waiting pods were promised room on which node, by preemption or by somebody who wrote `status.nominatedNodeName`.
 * @source kube-scheduler backend/queue/nominator.go, v1.35
 */
import type { PodInfo } from '../cluster/pod-info.ts';
import type { Nominator } from '../framework/index.ts';

const none: readonly PodInfo[] = [];

export class NominatedPods implements Nominator {
  readonly #byNode = new Map<string, PodInfo[]>();
  readonly #nodeOf = new Map<string, string>();

  /** False: no node need be asked about. */
  get any(): boolean {
    return this.#nodeOf.size > 0;
  }

  /** Another array after every change, but for none at all. */
  podsOn(nodeName: string): readonly PodInfo[] {
    return this.#byNode.get(nodeName) ?? none;
  }

  nodeOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid);
  }

  nominate(pod: PodInfo, nodeName: string): void {
    this.remove(pod.uid);
    if (nodeName === '') return;
    this.#nodeOf.set(pod.uid, nodeName);
    this.#byNode.set(nodeName, [...this.podsOn(nodeName), pod]);
  }

  remove(uid: string): void {
    const nodeName = this.#nodeOf.get(uid);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(uid);
    const left = this.podsOn(nodeName).filter((pod) => pod.uid !== uid);
    if (left.length > 0) this.#byNode.set(nodeName, left);
    else this.#byNode.delete(nodeName);
  }

  /** The pod's object changed. A nomination that only this process knows of outlives an update that says nothing of one. */
  update(old: PodInfo['pod'], pod: PodInfo): void {
    const said = pod.pod.status.nominatedNodeName ?? '';
    const saidBefore = old.status.nominatedNodeName ?? '';
    const known = this.nodeOf(pod.uid);
    if (said === '' && saidBefore === '' && known !== undefined) this.nominate(pod, known);
    else this.nominate(pod, said);
  }
}
