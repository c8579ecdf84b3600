/** What the scheduling tests have in common: pods that only want a place, and what became of them. */
import { expect } from 'vitest';
import { sleeper } from '../../e2e/manifests.ts';
import { type ConformanceCluster, eventually, type Json } from '../support/cluster.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

export class SchedulingScene {
  readonly cluster: ConformanceCluster;

  constructor(cluster: ConformanceCluster) {
    this.cluster = cluster;
  }

  path(rest = '', namespace: string = this.cluster.namespace): string {
    return `/api/v1/namespaces/${namespace}/pods${rest}`;
  }

  pod(name: string, spec: Json = {}, container: Json = {}): Json {
    const pod = JSON.parse(sleeper(name));
    const containers = pod.spec.containers.map((each: Json) => ({ ...each, ...container }));
    return { ...pod, spec: { ...pod.spec, containers, ...spec } };
  }

  create(pod: Json, namespace?: string): Promise<Json> {
    return this.cluster.api('POST', this.path('', namespace), pod);
  }

  get(name: string, namespace?: string): Promise<Json> {
    return this.cluster.api('GET', this.path(`/${name}`, namespace));
  }

  /** Waits until the pod's container runs. */
  running(name: string, namespace?: string): Promise<Json> {
    return eventually(async () => {
      const pod = await this.get(name, namespace);
      expect(pod.status.phase).toBe('Running');
      return pod;
    });
  }

  /** Waits until the scheduler has said that the pod fits nowhere. @returns the message */
  unschedulable(name: string): Promise<string> {
    return eventually(async () => {
      const pod = await this.get(name);
      expect(pod.spec.nodeName).toBeUndefined();
      const condition = pod.status.conditions?.find(({ type }: Json) => type === 'PodScheduled');
      expect(condition).toMatchObject({ status: 'False', reason: 'Unschedulable' });
      const { items } = await this.cluster.api('GET', this.cluster.path('v1', `events?fieldSelector=involvedObject.name%3D${name}`));
      expect(items.map(({ reason }: Json) => reason)).toContain('FailedScheduling');
      return condition.message as string;
    });
  }

  async gone(name: string, namespace?: string): Promise<void> {
    await eventually(async () => expect((await this.cluster.request('GET', this.path(`/${name}`, namespace))).status).toBe(404));
  }

  async remove(...names: string[]): Promise<void> {
    for (const name of names) await this.cluster.request('DELETE', this.path(`/${name}?gracePeriodSeconds=0`));
    for (const name of names) await this.gone(name);
  }

  /** The one node of the cluster. */
  async node(): Promise<Json> {
    return (await this.cluster.api('GET', '/api/v1/nodes')).items[0];
  }

  async patchNode(change: Json, subresource = ''): Promise<Json> {
    const { metadata } = await this.node();
    return this.cluster.api('PATCH', `/api/v1/nodes/${metadata.name}${subresource}`, change, mergePatch);
  }

  /** Gives the node `count` of a resource that nothing else uses, as tests of preemption do; null takes it away. */
  async offer(resource: string, count: string | null): Promise<void> {
    await this.patchNode({ status: { capacity: { [resource]: count }, allocatable: { [resource]: count } } }, '/status');
  }

  async priorityClass(name: string, value: number): Promise<void> {
    await this.cluster.api('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name }, value });
  }

  async removePriorityClasses(...names: string[]): Promise<void> {
    for (const name of names) await this.cluster.request('DELETE', `/apis/scheduling.k8s.io/v1/priorityclasses/${name}`);
  }
}
