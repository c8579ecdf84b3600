/** What the simulations of StatefulSets and DaemonSets make and record. */
import {
  type appsv1,
  appsv1Resources,
  type corev1,
  corev1Resources,
  isPodReady,
  type ResourceRef,
  type Unsaved,
} from '../../src/api/index.ts';
import { seededRandom, silentLogger } from '../../src/base/index.ts';
import type { ControllerName } from '../../src/controllers/index.ts';
import { startManagers } from '../../src/controlplane/index.ts';
import { type Change, type Cluster, MortalProcess } from '../../src/testing/index.ts';
import { namespace, patch } from './objects.ts';

export interface StatefulSetOptions {
  readonly replicas?: number;
  readonly image?: string;
  readonly spec?: Partial<appsv1.StatefulSetSpec>;
  readonly pod?: Partial<corev1.PodSpec>;
}

export function createStatefulSet(cluster: Cluster, name: string, options: StatefulSetOptions = {}): Promise<appsv1.StatefulSet> {
  const { replicas = 3, image = 'app:1', spec, pod } = options;
  const labels = { app: name };
  const set: Unsaved<appsv1.StatefulSet> = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image }], ...pod } },
      ...spec,
    },
  };
  return cluster.client.create(appsv1Resources.statefulsets, set, { signal: cluster.signal });
}

export interface DaemonSetOptions {
  readonly image?: string;
  readonly spec?: Partial<appsv1.DaemonSetSpec>;
  readonly pod?: Partial<corev1.PodSpec>;
}

export function createDaemonSet(cluster: Cluster, name: string, options: DaemonSetOptions = {}): Promise<appsv1.DaemonSet> {
  const { image = 'app:1', spec, pod } = options;
  const labels = { app: name };
  const set: Unsaved<appsv1.DaemonSet> = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image }], ...pod } },
      ...spec,
    },
  };
  return cluster.client.create(appsv1Resources.daemonsets, set, { signal: cluster.signal });
}

/** What became of pods: a line for each that came, became ready, was asked to go, or went. */
export class PodStory {
  readonly lines: string[] = [];
  readonly #known = new Map<string, { readonly uid: string; readonly state: string }>();
  readonly #nameOf: (pod: corev1.Pod) => string;

  constructor(nameOf: (pod: corev1.Pod) => string = ({ metadata }) => metadata.name) {
    this.#nameOf = nameOf;
  }

  /** For `ClusterOptions.onChange`. */
  readonly record = ({ key, value }: Change): void => {
    if (!key.includes(`/pods/${namespace}/`)) return;
    if (!value) {
      const gone = this.#known.get(key);
      this.#known.delete(key);
      if (gone) this.#tell(`${gone.state.split(' ')[0]} gone`);
      return;
    }
    const pod = JSON.parse(Buffer.from(value).toString()) as corev1.Pod;
    const name = this.#nameOf(pod);
    const image = pod.spec.containers[0]?.image;
    const phase = pod.metadata.deletionTimestamp !== undefined ? 'going' : isPodReady(pod) ? 'ready' : (pod.status?.phase ?? '');
    const state = `${name} ${image} ${phase}`;
    if (this.#known.get(key)?.state === state) return;
    this.#known.set(key, { uid: pod.metadata.uid, state });
    if (phase !== 'Running') this.#tell(state);
  };

  /** What happened since this was called last. */
  take(): string[] {
    return this.lines.splice(0);
  }

  #tell(line: string): void {
    this.lines.push(line);
  }
}

export const getStatefulSet = (cluster: Cluster, name: string): Promise<appsv1.StatefulSet> =>
  cluster.client.get(appsv1Resources.statefulsets, { namespace, name }, { signal: cluster.signal });

export const getDaemonSet = (cluster: Cluster, name: string): Promise<appsv1.DaemonSet> =>
  cluster.client.get(appsv1Resources.daemonsets, { namespace, name }, { signal: cluster.signal });

export async function revisionsOf(cluster: Cluster, app: string): Promise<readonly appsv1.ControllerRevision[]> {
  const { items } = await cluster.client.list(appsv1Resources.controllerrevisions, {
    namespace,
    labelSelector: `app=${app}`,
    signal: cluster.signal,
  });
  return items.toSorted((a, b) => a.revision - b.revision);
}

/** Whether every pod is of the newest template and available. */
export function isStatefulSetDone({ metadata, spec, status }: appsv1.StatefulSet): boolean {
  const { replicas = 0 } = spec;
  const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0, replicas: all } = status;
  const isSeen = observedGeneration >= (metadata.generation ?? 0);
  return isSeen && all === replicas && updatedReplicas === replicas && availableReplicas === replicas;
}

export function isDaemonSetDone({ metadata, status }: appsv1.DaemonSet): boolean {
  const { observedGeneration = 0, desiredNumberScheduled: wanted, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
  return observedGeneration >= (metadata.generation ?? 0) && updatedNumberScheduled === wanted && numberAvailable === wanted;
}

export const untilStatefulSetDone = (cluster: Cluster, name: string, limitMs?: number): Promise<void> =>
  cluster.until(`statefulset ${name} is done`, async () => isStatefulSetDone(await getStatefulSet(cluster, name)), limitMs);

export const untilDaemonSetDone = (cluster: Cluster, name: string, limitMs?: number): Promise<void> =>
  cluster.until(`daemonset ${name} is done`, async () => isDaemonSetDone(await getDaemonSet(cluster, name)), limitMs);

export async function podsByName(cluster: Cluster, app: string): Promise<ReadonlyMap<string, corev1.Pod>> {
  const { items } = await cluster.client.list(corev1Resources.pods, { namespace, labelSelector: `app=${app}`, signal: cluster.signal });
  return new Map(items.map((pod) => [pod.metadata.name, pod]));
}

/** Changes the image of a set's pods. */
export async function setImageOf(cluster: Cluster, resource: ResourceRef, name: string, image: string): Promise<void> {
  await patch(cluster, resource, name, { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } });
}

/** A pod with this gate is ready when the test says so. */
export const readinessGates: readonly corev1.PodReadinessGate[] = [{ conditionType: 'test/healthy' }];

export async function setHealth(cluster: Cluster, pod: string, healthy: boolean): Promise<void> {
  const body = { status: { conditions: [{ type: 'test/healthy', status: healthy ? 'True' : 'False' }] } };
  const way = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
  await cluster.client.patch(corev1Resources.pods, { namespace, name: pod }, way, { signal: cluster.signal });
}

/** One controller in a process of its own, which may die; the cluster must run without it. Its events do not count as writes. */
export function mortalController(cluster: Cluster, name: ControllerName): MortalProcess & AsyncDisposable {
  const process = new MortalProcess({
    clock: cluster.clock,
    transport: (user, userAgent) => cluster.transportFor(user, userAgent),
    counts: ({ resource }) => !['events', 'serviceaccounts'].includes(resource.plural),
    run: (transport) =>
      startManagers({
        transport,
        podCidrs: ['10.244.0.0/16'],
        controllers: { only: [name] },
        scheduler: false,
        clock: cluster.clock,
        random: seededRandom(1),
        log: silentLogger,
        signal: cluster.signal,
      }),
  });
  return Object.assign(process, { [Symbol.asyncDispose]: () => process.close() });
}
