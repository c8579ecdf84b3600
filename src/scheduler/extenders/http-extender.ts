/**
 * An extender that is asked over HTTP. It knows the messages; how a body gets to a URL and back is given to it.
 * @source kube-scheduler extender.go, extender/v1/types.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import type { ExtenderConfiguration } from '../config/configuration.ts';
import type { ExtenderVictims, NodeInfo, PodInfo } from '../framework/index.ts';
import type { ExtenderFiltered, SchedulerExtender } from './extender.ts';

/** Sends JSON and returns the JSON that answers it. @throws when there is no answer of 2xx in time */
export type PostJson = (url: string, body: unknown) => Promise<unknown>;

/** What a call of the extender could not be used for. */
export class ExtenderError extends Error {
  override readonly name = 'ExtenderError';
}

interface FilterResult {
  readonly nodes?: { readonly items?: readonly corev1.Node[] };
  readonly nodenames?: readonly string[];
  readonly failedNodes?: Readonly<Record<string, string>>;
  readonly failedAndUnresolvableNodes?: Readonly<Record<string, string>>;
  readonly error?: string;
}

interface MetaVictims {
  readonly pods?: readonly { readonly uid: string }[];
  readonly numPDBViolations?: number;
}

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
  readonly #post: PostJson;

  constructor(configuration: ExtenderConfiguration, post: PostJson) {
    this.#configuration = configuration;
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
    const answer = (await this.#send(this.#configuration.filterVerb, this.#args(pod, nodes))) as FilterResult;
    if (answer.error) throw new ExtenderError(answer.error);
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const names = this.#configuration.nodeCacheCapable ? answer.nodenames : answer.nodes?.items?.map(({ metadata }) => metadata.name);
    if (!names) throw new ExtenderError(`extender ${this.name} answered a filter without nodes`);
    const passed = names.map((name) => {
      const node = byName.get(name);
      if (!node)
        throw new ExtenderError(
          `extender ${JSON.stringify(this.name)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`,
        );
      return node;
    });
    return {
      passed,
      failed: new Map(Object.entries(answer.failedNodes ?? {})),
      failedAndUnresolvable: new Map(Object.entries(answer.failedAndUnresolvableNodes ?? {})),
    };
  }

  async prioritize(pod: corev1.Pod, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#send(this.#configuration.prioritizeVerb, this.#args(pod, nodes));
    const scores = answer as readonly { readonly host: string; readonly score: number }[];
    return new Map(scores.map(({ host, score }) => [host, score]));
  }

  async bind({ metadata: { name, namespace, uid } }: corev1.Pod, nodeName: string): Promise<void> {
    const body = { podName: name, podNamespace: namespace, podUID: uid, node: nodeName };
    const answer = (await this.#send(this.#configuration.bindVerb, body)) as { readonly error?: string };
    if (answer.error) throw new ExtenderError(answer.error);
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
    const answer = (await this.#send(preemptVerb, body)) as { readonly nodeNameToMetaVictims?: Readonly<Record<string, MetaVictims>> };
    const left = new Map<string, ExtenderVictims>();
    for (const [name, { pods = [], numPDBViolations = 0 }] of Object.entries(answer.nodeNameToMetaVictims ?? {})) {
      const known = new Map(victims.get(name)?.pods.map((info) => [info.uid, info]));
      const found = pods.map(({ uid }): PodInfo => {
        const info = known.get(uid);
        if (!info)
          throw new ExtenderError(
            `extender: ${this.name} claims to preempt pod (UID: ${uid}) on node: ${name}, but the pod is not found on that node`,
          );
        return info;
      });
      left.set(name, { pods: found, pdbViolations: numPDBViolations });
    }
    return left;
  }

  #args(pod: corev1.Pod, nodes: readonly NodeInfo[]): object {
    return this.#configuration.nodeCacheCapable
      ? { pod, nodenames: nodes.map(({ name }) => name) }
      : { pod, nodes: { apiVersion: 'v1', kind: 'NodeList', metadata: {}, items: nodes.map(({ node }) => node) } };
  }

  #send(verb: string, body: object): Promise<unknown> {
    return this.#post(`${this.#configuration.urlPrefix.replace(/\/+$/, '')}/${verb}`, body);
  }
}
