/** What a scenario is, and what scenarios have in common: what a user makes and changes, what befalls pods and nodes. */
import { type corev1, corev1Resources, isApiError, isPodReady, type ResourceRef } from '../../../src/api/index.ts';
import type { Random } from '../../../src/base/index.ts';
import type { ClusterOptions } from '../../../src/testing/index.ts';
import { type CheckedKind, type History, ownerOf } from './history.ts';
import type { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** Those that the manager runs. */
  readonly controllers: readonly string[];
  readonly nodes: number;
  readonly nodeSize?: { readonly cpu: string; readonly memory: string; readonly pods: string };
  /** How long faults go on; default a minute. */
  readonly faultyMs?: number;
  /** Nodes renew their leases. */
  readonly beat?: boolean;
  /** Its promises are for caches that do not lag. */
  readonly isPrompt?: boolean;
  /** Two managers stand for election, and are stopped for a while now and then. */
  readonly elected?: boolean;
  /** What containers use. */
  readonly usage?: NonNullable<ClusterOptions['usage']>;
  readonly setUp: (world: World) => Promise<void>;
  /** What may happen at any moment; some of it does. */
  readonly actions: Readonly<Record<string, (world: World) => Promise<void>>>;
  /** Takes back what only faults may do. */
  readonly mend?: (world: World) => void;
  /** How a pod that ends by itself ends. */
  readonly endOf?: (pod: corev1.Pod, random: Random) => 'Succeeded' | 'Failed' | undefined;
  readonly isDone: (history: History) => boolean;
  /** What is there instead. */
  readonly describe: (history: History) => string;
}

export const namespace = 'default';
export const app = 'web';
export const labels = { app };
export const selector = { matchLabels: labels };

export function template(image: string, cpu = '100m', spec: Partial<corev1.PodSpec> = {}): corev1.PodTemplateSpec {
  const containers = [{ name: 'main', image, resources: { requests: { cpu, memory: '64Mi' } } }];
  return { metadata: { labels }, spec: { containers, ...spec } };
}

export async function patch(world: World, resource: ResourceRef, body: object, name = app): Promise<void> {
  const { client, signal } = world;
  await client.patch(resource, { namespace, name }, { type: 'application/merge-patch+json', body }, { signal });
}

export const scale = (resource: ResourceRef, least: number, most: number) => (world: World) =>
  patch(world, resource, { spec: { replicas: least + Math.floor(world.random.next() * (most - least + 1)) } });

export const rollOut = (resource: ResourceRef) => (world: World) =>
  patch(world, resource, { spec: { template: template(`app:${2 + Math.floor(world.random.next() * 3)}`) } });

/** Any pod that lives. */
export async function deletePod({ client, history, random, signal }: World): Promise<void> {
  const pods = [...history.all('Pod')];
  const pod = pods[Math.floor(random.next() * pods.length)];
  if (!pod) return;
  const { name } = pod.metadata;
  await client.delete(corev1Resources.pods, { namespace, name }, { signal }).catch(expectGone);
}

/** As a kubelet does that needs the room. */
export async function failPod({ client, history, nodes, random, signal }: World): Promise<void> {
  const pods = [...history.all('Pod')].filter(({ spec, status }) => status.phase === 'Running' && !nodes.isCutOff(spec.nodeName));
  const pod = pods[Math.floor(random.next() * pods.length)];
  if (!pod) return;
  const { name, uid } = pod.metadata;
  const body = { metadata: { uid }, status: { phase: 'Failed', reason: 'Evicted' } };
  const asked = { type: 'application/merge-patch+json', body, subresource: 'status' } as const;
  await client.patch(corev1Resources.pods, { namespace, name }, asked, { signal }).catch(expectGone);
}

export function expectGone(error: unknown): void {
  if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
}

export const cutOff = ({ nodes }: World): Promise<void> => Promise.resolve(nodes.cutOff('node-2'));
export const powerOff = ({ nodes }: World): Promise<void> => Promise.resolve(nodes.powerOff('node-2'));
export const connect = ({ nodes }: World): void => nodes.connect('node-2');

export const podsOwnedBy = (history: History, kind: string, uid: string): corev1.Pod[] =>
  [...history.all('Pod')].filter((pod) => ownerOf(pod, kind) === uid);
export const isUp = (pod: corev1.Pod, image: string | undefined): boolean =>
  isPodReady(pod) && pod.metadata.deletionTimestamp === undefined && pod.spec.containers[0]?.image === image;
export const imageOf = (spec: { readonly template: corev1.PodTemplateSpec }): string | undefined =>
  spec.template.spec?.containers[0]?.image;

/** All that is of a kind, with its pods. */
export const describe = (kind: CheckedKind) => (history: History) =>
  JSON.stringify({
    [kind]: [...history.all(kind)].map(({ metadata, ...rest }) => ({ name: metadata.name, ...rest })),
    pods: [...history.all('Pod')].map(({ metadata, spec, status }) => ({
      name: metadata.name,
      node: spec.nodeName,
      image: spec.containers[0]?.image,
      phase: status.phase,
      deleted: metadata.deletionTimestamp,
      finalizers: metadata.finalizers,
      why: status.conditions?.find(({ status: is }) => is === 'False')?.message,
    })),
  });
