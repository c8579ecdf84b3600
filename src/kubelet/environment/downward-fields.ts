/**
 * The downward API: fields of the pod and resources of its containers as text, for variables and for files. Pure.
 * @source pkg/fieldpath, pkg/api/v1/resource (v1.35)
 */
import { type corev1, goQuote, parseQuantity, tryParseQuantity } from '../../api/index.ts';
import type { AnyContainer } from '../seams.ts';

/** A field or resource reference that means nothing for this pod; the message is upstream's. */
export class DownwardFieldError extends Error {
  override readonly name = 'DownwardFieldError';
}

/** `key="value"` lines in order of the keys, as a file of labels or annotations shows them. */
export function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${goQuote(map![key]!)}`)
    .join('\n');
}

/**
 * A field of the pod's metadata, such as `metadata.labels['app']`.
 * @throws DownwardFieldError for any other path
 */
export function metadataField(pod: corev1.Pod, path: string): string {
  const { metadata } = pod;
  const subscript = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/s.exec(path);
  if (subscript) {
    const map = subscript[1] === 'metadata.labels' ? metadata.labels : metadata.annotations;
    const key = subscript[2]!;
    return map && Object.hasOwn(map, key) ? map[key]! : '';
  }
  switch (path) {
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    default:
      throw new DownwardFieldError(`unsupported fieldPath: ${path}`);
  }
}

/** What the kubelet knows of a pod that its object may not say yet. */
export interface PodFacts {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}

/**
 * Any field that a variable may name.
 * @throws DownwardFieldError for an unknown one, or when the node has no address
 */
export function podField(pod: corev1.Pod, path: string, facts: PodFacts): string {
  switch (path) {
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    case 'status.hostIP':
    case 'status.hostIPs':
      if (facts.hostIps.length === 0) throw new DownwardFieldError('could not get host IP of the node');
      return path === 'status.hostIP' ? facts.hostIps[0]! : facts.hostIps.join(',');
    default:
      return metadataField(pod, path);
  }
}

/** Finds a container of the pod by name, regular ones first. */
export function findContainer(pod: corev1.Pod, name: string): corev1.Container | undefined {
  return pod.spec.containers.find((one) => one.name === name) ?? pod.spec.initContainers?.find((one) => one.name === name);
}

const limitFallbacks: ReadonlySet<string> = new Set(['limits.cpu', 'limits.memory', 'limits.ephemeral-storage']);

/**
 * The value of `limits.*` or `requests.*` in units of the divisor, rounded up. A limit that is not set is the pod's, or else what
 * the node can give; a request that is not set is 0.
 * @throws DownwardFieldError for an unknown container or resource
 */
export function resourceField(
  selector: corev1.ResourceFieldSelector,
  from: {
    readonly pod: corev1.Pod;
    /** Used when the selector names none. */
    readonly container?: AnyContainer;
    readonly nodeAllocatable: Readonly<Record<string, string>>;
  },
): string {
  const { resource, containerName } = selector;
  const container = containerName ? findContainer(from.pod, containerName) : from.container;
  if (!container) throw new DownwardFieldError(`container ${containerName ?? ''} not found`);
  const [kind, ...rest] = resource.split('.');
  const name = rest.join('.');
  const known = name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-');
  if ((kind !== 'limits' && kind !== 'requests') || !known) {
    throw new DownwardFieldError(`unsupported container resource : ${resource}`);
  }
  const own = tryParseQuantity(container.resources?.[kind]?.[name] ?? '');
  const fallback = limitFallbacks.has(resource) ? (from.pod.spec.resources?.limits?.[name] ?? from.nodeAllocatable[name]) : undefined;
  const quantity = own && !(fallback !== undefined && own.isZero) ? own : parseQuantity(fallback ?? '0');
  const divisor = tryParseQuantity(selector.divisor ?? '1');
  const unit = divisor && !divisor.isZero ? divisor : parseQuantity('1');
  return name === 'cpu' ? String(Math.ceil(quantity.milliValue() / unit.milliValue())) : String(Math.ceil(quantity.value() / unit.value()));
}
