/**
 * An extender that is asked over HTTP. It knows the messages; how a body gets to a URL and back is given to it.
 * @source kube-scheduler extender.go, extender/v1/types.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import type { ExtenderConfiguration } from '../config/configuration.ts';
import type { ClusterView, ExtenderVictims, NodeInfo, PodInfo } from '../framework/index.ts';
import { ExtenderAnswer, ExtenderError } from './extender-answer.ts';
import type { ExtenderFiltered, SchedulerExtender } from './extender.ts';

/** Sends JSON and returns the JSON that answers it. @throws when there is no answer of 2xx in time */
export type PostJson = (url: string, body: unknown) => Promise<unknown>;

export class HttpExtender implements SchedulerExtender {
  readonly name: string;
  readonly ignorable: boolean;
  readonly weight: number;
  readonly filters: boolean;
  readonly prioritizes: boolean;
  readonly binds: boolean;
  readonly supportsPreemption: boolean;
  readonly #configuration: ExtenderConfiguration;
  readonly #managed: ReadonlySet<string>;
  readonly #cluster: Pick<ClusterView, 'node'>;
  readonly #post: PostJson;

  /** @param cluster where victims that the extender chooses by itself are found */
  constructor(configuration: ExtenderConfiguration, cluster: Pick<ClusterView, 'node'>, post: PostJson) {
    this.#configuration = configuration;
    this.#cluster = cluster;
    this.#post = post;
    this.#managed = new Set(configuration.managedResources.map(({ name }) => name));
    this.name = configuration.urlPrefix;
    this.ignorable = configuration.ignorable;
    this.weight = configuration.weight;
    this.filters = configuration.filterVerb !== '';
    this.prioritizes = configuration.prioritizeVerb !== '';
    this.binds = configuration.bindVerb !== '';
    this.supportsPreemption = configuration.preemptVerb !== '';
  }

  /** Every pod, or those that ask for a resource that the extender manages. */
  isInterested({ spec }: corev1.Pod): boolean {
    if (this.#managed.size === 0) return true;
    const asks = ({ resources }: corev1.Container): boolean =>
      [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})].some((name) => this.#managed.has(name));
    return [...spec.containers, ...(spec.initContainers ?? [])].some(asks);
  }

  async filter(pod: corev1.Pod, nodes: readonly NodeInfo[]): Promise<ExtenderFiltered> {
    const answer = await this.#send(this.#configuration.filterVerb, this.#args(pod, nodes));
    answer.throwIfError();
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const named = this.#configuration.nodeCacheCapable ? answer.texts('nodenames') : undefined;
    // One that names no nodes at all leaves none.
    const names =
      named ??
      answer
        .object('nodes')
        ?.objects('items')
        ?.map((node) => node.object('metadata')?.text('name') ?? '') ??
      [];
    const passed = names.map((name) => {
      const node = byName.get(name);
      if (node) return node;
      const claim = `extender ${JSON.stringify(this.name)} claims a filtered node ${JSON.stringify(name)}`;
      throw new ExtenderError(`${claim} which is not found in the input node list`);
    });
    return { passed, failed: answer.textMap('failedNodes'), failedAndUnresolvable: answer.textMap('failedAndUnresolvableNodes') };
  }

  async prioritize(pod: corev1.Pod, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#send(this.#configuration.prioritizeVerb, this.#args(pod, nodes));
    return new Map(answer.elements().map((each) => [each.text('host') ?? '', each.integer('score') ?? 0]));
  }

  async bind({ metadata: { name, namespace, uid } }: corev1.Pod, nodeName: string): Promise<void> {
    const body = { podName: name, podNamespace: namespace, podUID: uid, node: nodeName };
    (await this.#send(this.#configuration.bindVerb, body)).throwIfError();
  }

  async processPreemption(pod: corev1.Pod, victims: ReadonlyMap<string, ExtenderVictims>): Promise<ReadonlyMap<string, ExtenderVictims>> {
    const { nodeCacheCapable, preemptVerb } = this.#configuration;
    const perNode = [...victims];
    const body = nodeCacheCapable
      ? {
          pod,
          nodeNameToMetaVictims: Object.fromEntries(
            perNode.map(([name, { pods, pdbViolations }]) => [
              name,
              { pods: pods.map(({ uid }) => ({ uid })), numPDBViolations: pdbViolations },
            ]),
          ),
        }
      : {
          pod,
          nodeNameToVictims: Object.fromEntries(
            perNode.map(([name, { pods, pdbViolations }]) => [
              name,
              { pods: pods.map((info) => info.pod), numPDBViolations: pdbViolations },
            ]),
          ),
        };
    const answer = await this.#send(preemptVerb, body);
    return new Map(
      [...answer.objectMap('nodeNameToMetaVictims')].map(([name, left]) => [
        name,
        {
          pods: (left.objects('pods') ?? []).map((victim) => this.#victim(name, victim.text('uid') ?? '')),
          pdbViolations: left.integer('numPDBViolations') ?? 0,
        },
      ]),
    );
  }

  /** Any pod of the node may be one, whether it was proposed or not. */
  #victim(nodeName: string, uid: string): PodInfo {
    const node = this.#cluster.node(nodeName);
    if (!node) throw new ExtenderError(`nodeinfo not found for node name ${JSON.stringify(nodeName)}`);
    const victim = node.pod(uid);
    if (victim) return victim;
    const claim = `extender: ${this.name} claims to preempt pod (UID: ${uid}) on node: ${nodeName}`;
    throw new ExtenderError(`${claim}, but the pod is not found on that node`);
  }

  #args(pod: corev1.Pod, nodes: readonly NodeInfo[]): object {
    return this.#configuration.nodeCacheCapable
      ? { pod, nodenames: nodes.map(({ name }) => name) }
      : { pod, nodes: { apiVersion: 'v1', kind: 'NodeList', metadata: {}, items: nodes.map(({ node }) => node) } };
  }

  async #send(verb: string, body: object): Promise<ExtenderAnswer> {
    const answer = await this.#post(`${this.#configuration.urlPrefix.replace(/\/+$/, '')}/${verb}`, body);
    return new ExtenderAnswer(answer, `extender ${JSON.stringify(this.name)} answered ${verb}`);
  }
}
