/** The Node object that stands for this machine: how it is first registered and what its status says. Pure. */
import type { corev1, Draft } from '../../api/index.ts';
import type { MachineFacts } from '../host/host.ts';
import type { EngineImage, RuntimeStatus, RuntimeVersion } from '../runtime/runtime.ts';

export interface NodeIdentity {
  readonly nodeName: string;
  /** The first is the primary one. */
  readonly nodeIps: readonly string[];
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly corev1.Taint[];
  readonly providerId: string | undefined;
  readonly unschedulable: boolean;
}

/** Labels that every node has. */
export function defaultLabels(identity: NodeIdentity, machine: MachineFacts): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
    'kubernetes.io/hostname': identity.hostname,
    'kubernetes.io/os': 'linux',
  };
}

/** Nothing is scheduled to a node before it says that it is ready; the node life cycle controller takes the taint away. */
const notReady: corev1.Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

export function initialNode(
  identity: NodeIdentity,
  machine: MachineFacts,
): Draft<Omit<corev1.Node, 'metadata' | 'status'>> & {
  metadata: Pick<Draft<corev1.Node['metadata']>, 'name' | 'labels' | 'annotations'>;
} {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: identity.nodeName,
      labels: { ...defaultLabels(identity, machine), ...identity.labels },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: {
      ...(identity.providerId !== undefined && { providerID: identity.providerId }),
      ...(identity.unschedulable && { unschedulable: true }),
      taints: [...identity.taints, notReady].map((taint) => ({ ...taint })),
    },
  };
}

export interface NodeStatusInput {
  readonly identity: NodeIdentity;
  readonly machine: MachineFacts;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly conditions: readonly corev1.NodeCondition[];
  readonly kubeletPort: number;
  readonly version: string;
  readonly runtimeVersion: RuntimeVersion | undefined;
  readonly runtimeStatus: RuntimeStatus | undefined;
  readonly images: readonly EngineImage[];
}

/** Names of an image in the node's status, and images in it. @source nodestatus Images: nodeStatusMaxImages 50, MaxNamesPerImageInNodeStatus 5 */
const maxImages = 50;
const maxNames = 5;

export function nodeStatus(input: NodeStatusInput): corev1.NodeStatus {
  const { identity, machine, runtimeVersion, runtimeStatus } = input;
  const handlers = runtimeStatus?.handlers ?? [];
  return {
    addresses: [...identity.nodeIps.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: identity.hostname }],
    allocatable: input.allocatable,
    capacity: input.capacity,
    conditions: input.conditions,
    daemonEndpoints: { kubeletEndpoint: { Port: input.kubeletPort } },
    images: imageList(input.images),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: runtimeVersion ? `${runtimeVersion.name}://${runtimeVersion.version}` : '',
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: input.version,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      ...(machine.swapBytes > 0 && { swap: { capacity: machine.swapBytes } }),
      systemUUID: machine.systemUuid,
    },
    features: { supplementalGroupsPolicy: runtimeStatus?.supplementalGroupsPolicy ?? false },
    ...(handlers.length > 0 && {
      runtimeHandlers: handlers.map(({ name, recursiveReadOnlyMounts, userNamespaces }) => ({
        name,
        features: { recursiveReadOnlyMounts, userNamespaces },
      })),
    }),
  };
}

/** The largest images, so that the scheduler can prefer nodes that need not pull them. */
function imageList(images: readonly EngineImage[]): corev1.ContainerImage[] {
  return [...images]
    .sort((a, b) => (a.sizeBytes === b.sizeBytes ? 0 : a.sizeBytes > b.sizeBytes ? -1 : 1))
    .slice(0, maxImages)
    .map(({ repoDigests, repoTags, sizeBytes }) => ({
      names: [...repoDigests, ...repoTags].slice(0, maxNames),
      sizeBytes: Number(sizeBytes),
    }));
}
