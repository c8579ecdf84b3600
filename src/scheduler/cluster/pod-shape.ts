/**
 * What equal pods share. Thousands of pods come from one template; everything that follows from the spec alone (amounts, ports, what plugins
 * prepare) is computed once for all of them, and a node that was judged for one is judged for all until the node changes.
 */
import type { corev1 } from '../../api/index.ts';
import type { StateKey } from '../framework/cycle-state.ts';
import { hostPortsOf, type HostPort } from './host-ports.ts';
import { type PodAmounts, requestedAmounts } from './pod-amounts.ts';

export class PodShape {
  readonly signature: string;
  /** One of the pods; whatever is read of it must be part of the signature. */
  readonly example: corev1.Pod;
  readonly amounts: PodAmounts;
  readonly hostPorts: readonly HostPort[];
  readonly #memo = new Map<StateKey<unknown>, unknown>();

  constructor(signature: string, example: corev1.Pod) {
    this.signature = signature;
    this.example = example;
    // What its containers were given is the example's alone.
    this.amounts = requestedAmounts({ spec: example.spec });
    this.hostPorts = hostPortsOf(example.spec);
  }

  /** What a plugin makes of the spec, made once. `make` must read nothing that the signature leaves out: see {@link podSignature}. */
  memo<T>(key: StateKey<T>, make: (example: corev1.Pod) => T): T {
    const known = this.#memo.get(key) as T | undefined;
    if (known !== undefined) return known;
    const made = make(this.example);
    this.#memo.set(key, made);
    return made;
  }
}

/** Most shapes that are kept; the one unused for longest goes first. */
const maxShapes = 4096;

export class PodShapes {
  readonly #shapes = new Map<string, PodShape>();
  readonly #of = new WeakMap<corev1.PodSpec, PodShape>();

  of(pod: corev1.Pod): PodShape {
    const remembered = this.#of.get(pod.spec);
    if (remembered) return remembered;
    const signature = podSignature(pod);
    let shape = this.#shapes.get(signature);
    if (shape) this.#shapes.delete(signature);
    else {
      shape = new PodShape(signature, pod);
      if (this.#shapes.size >= maxShapes) for (const oldest of this.#shapes.keys()) if (this.#shapes.delete(oldest)) break;
    }
    this.#shapes.set(signature, shape);
    this.#of.set(pod.spec, shape);
    return shape;
  }
}

/** Volumes that never bear on where a pod can run; the token's has a random name of its own in every pod. */
const harmlessVolumes = ['projected', 'configMap', 'secret', 'emptyDir', 'downwardAPI', 'hostPath', 'image'] as const;

/**
 * The text that two pods have in common when every default plugin that looks at spec and node alone must judge them alike: namespace,
 * priority, resources, images, ports, node selection, tolerations, affinities, spreading and volumes. Labels, names, owners, environment
 * and commands are left out, and so is the node's name: a pod is of the same shape before and after it is placed.
 */
export function podSignature({ metadata, spec }: corev1.Pod): string {
  const container = ({ image, ports, resources, restartPolicy }: corev1.Container): unknown => [
    image,
    ports?.map(({ hostPort, hostIP, protocol }) => hostPort && [hostPort, hostIP, protocol]),
    resources?.requests,
    resources?.limits,
    resources?.claims,
    restartPolicy,
  ];
  return JSON.stringify([
    metadata.namespace,
    spec.schedulerName,
    spec.nodeSelector,
    spec.affinity,
    spec.tolerations,
    spec.topologySpreadConstraints,
    spec.priority,
    spec.preemptionPolicy,
    spec.hostNetwork,
    spec.overhead,
    spec.resources,
    spec.resourceClaims,
    spec.os,
    spec.containers.map(container),
    spec.initContainers?.map(container),
    spec.volumes?.filter((volume) => !harmlessVolumes.some((kind) => volume[kind])),
  ]);
}
