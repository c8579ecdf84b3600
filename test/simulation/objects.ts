/** What the tests of simulated clusters make and ask, in few words. */
import {
  type appsv1,
  appsv1Resources,
  type corev1,
  corev1Resources,
  isApiError,
  isPodReady,
  type KubeObject,
  type ResourceRef,
  type Unsaved,
} from '../../src/api/index.ts';
import type { Cluster } from '../../src/testing/index.ts';

export const namespace = 'default';

/** Names the API's own text for a moment: milliseconds since the epoch. */
export const timeOf = (text: string | undefined): number => Date.parse(text ?? '');

export function podManifest(name: string, spec: Partial<corev1.PodSpec> = {}): Unsaved<corev1.Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: { containers: [{ name: 'main', image: 'app:1' }], ...spec },
  };
}

export interface DeploymentOptions {
  readonly replicas?: number;
  readonly image?: string;
  readonly spec?: Partial<appsv1.DeploymentSpec>;
  readonly pod?: Partial<corev1.PodSpec>;
}

export function deploymentManifest(name: string, options: DeploymentOptions = {}): Unsaved<appsv1.Deployment> {
  const { replicas = 3, image = 'app:1', spec, pod } = options;
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image }], ...pod } },
      ...spec,
    },
  };
}

export const createPod = (cluster: Cluster, name: string, spec?: Partial<corev1.PodSpec>): Promise<corev1.Pod> =>
  cluster.client.create(corev1Resources.pods, podManifest(name, spec), { signal: cluster.signal });

export const createDeployment = (cluster: Cluster, name: string, options?: DeploymentOptions): Promise<appsv1.Deployment> =>
  cluster.client.create(appsv1Resources.deployments, deploymentManifest(name, options), { signal: cluster.signal });

export const get = <T extends KubeObject>(cluster: Cluster, resource: ResourceRef<T>, name: string): Promise<T> =>
  cluster.client.get(resource, { name, ...(resource.namespaced && { namespace }) }, { signal: cluster.signal });

/** Undefined when there is none. */
export async function find<T extends KubeObject>(cluster: Cluster, resource: ResourceRef<T>, name: string): Promise<T | undefined> {
  try {
    return await get(cluster, resource, name);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

export const getPod = (cluster: Cluster, name: string): Promise<corev1.Pod> => get(cluster, corev1Resources.pods, name);
export const getDeployment = (cluster: Cluster, name: string): Promise<appsv1.Deployment> =>
  get(cluster, appsv1Resources.deployments, name);

/** Pods of one application, by name. */
export async function podsOf(cluster: Cluster, app: string): Promise<readonly corev1.Pod[]> {
  const { items } = await cluster.client.list(corev1Resources.pods, { namespace, labelSelector: `app=${app}`, signal: cluster.signal });
  return items;
}

export const isDeleting = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;
export const isReady = (pod: corev1.Pod): boolean => isPodReady(pod) && !isDeleting(pod);
export const imageOf = (pod: corev1.Pod): string | undefined => pod.spec.containers[0]?.image;

/** Whether the rollout of a Deployment has ended, as `kubectl rollout status` sees it. */
export function isRolledOut({ metadata, spec, status }: appsv1.Deployment): boolean {
  const { replicas = 0 } = spec;
  const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0, replicas: all = 0 } = status ?? {};
  return (
    observedGeneration >= (metadata.generation ?? 0) && updatedReplicas === replicas && all === replicas && availableReplicas === replicas
  );
}

export const untilRolledOut = (cluster: Cluster, name: string, limitMs?: number): Promise<void> =>
  cluster.until(`deployment ${name} is rolled out`, async () => isRolledOut(await getDeployment(cluster, name)), limitMs);

export async function setImage(cluster: Cluster, name: string, image: string): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } };
  await patch(cluster, appsv1Resources.deployments, name, body);
}

export function patch<T extends KubeObject>(cluster: Cluster, resource: ResourceRef<T>, name: string, body: object): Promise<T> {
  const key = { name, ...(resource.namespaced && { namespace }) };
  return cluster.client.patch(resource, key, { type: 'application/strategic-merge-patch+json', body }, { signal: cluster.signal });
}

/** Events about an object as `Reason: message`, in order of their first time. */
export async function eventsOf(cluster: Cluster, name: string): Promise<readonly corev1.Event[]> {
  const { items } = await cluster.client.list(corev1Resources.events, { namespace, signal: cluster.signal });
  return items.filter(({ involvedObject }) => involvedObject.name === name);
}
