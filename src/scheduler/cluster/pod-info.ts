/** A pod with what the scheduler needs of it, read once. Immutable, but for the object itself when an update changed nothing of that. */
import type { corev1 } from '../../api/index.ts';
import { type StateKey, stateKey } from '../framework/cycle-state.ts';
import { affinityTermsOf, type PodAffinityTerms } from './affinity-term.ts';
import type { HostPort } from './host-ports.ts';
import { type PodAmounts, requestedAmounts } from './pod-amounts.ts';
import type { PodShape } from './pod-shape.ts';

const termsKey: StateKey<PodAffinityTerms> = stateKey('PodInfo/affinity');
const claimsKey: StateKey<readonly string[]> = stateKey('PodInfo/claims');

export class PodInfo {
  readonly pod: corev1.Pod;
  readonly shape: PodShape;
  /** Counts what in-place resizes have given already, from the status. */
  readonly amounts: PodAmounts;
  readonly terms: PodAffinityTerms;
  /** `namespace/name` of the claims that the pod's volumes name; ephemeral ones are not among them. */
  readonly claims: readonly string[];

  constructor(pod: corev1.Pod, shape: PodShape) {
    this.pod = pod;
    this.shape = shape;
    this.amounts = hasStatusResources(pod.status) ? requestedAmounts(pod) : shape.amounts;
    this.terms = shape.memo(termsKey, affinityTermsOf);
    this.claims = shape.memo(claimsKey, claimsOf);
  }

  get uid(): string {
    return this.pod.metadata.uid;
  }

  get namespace(): string {
    return this.pod.metadata.namespace ?? '';
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.pod.metadata.labels;
  }

  get priority(): number {
    return this.pod.spec.priority ?? 0;
  }

  get hostPorts(): readonly HostPort[] {
    return this.shape.hostPorts;
  }

  /** Whether the pod says anything of other pods (upstream's PodsWithAffinity). */
  get hasAffinity(): boolean {
    const { requiredAffinity, requiredAntiAffinity, preferredAffinity, preferredAntiAffinity } = this.terms;
    return requiredAffinity.length + requiredAntiAffinity.length + preferredAffinity.length + preferredAntiAffinity.length > 0;
  }
}

function hasStatusResources(status: corev1.PodStatus): boolean {
  const says = ({ resources, allocatedResources }: corev1.ContainerStatus): boolean => Boolean(resources ?? allocatedResources);
  return (status.containerStatuses?.some(says) ?? false) || (status.initContainerStatuses?.some(says) ?? false);
}

function claimsOf({ metadata, spec }: corev1.Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
    claim ? [`${metadata.namespace ?? ''}/${claim.claimName}`] : [],
  );
}
