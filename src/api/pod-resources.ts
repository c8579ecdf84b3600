/**
 * What a pod asks for as a whole: containers add up, init containers need the most of any moment, sidecars add to both, the
 * RuntimeClass' overhead comes on top, and pod-level resources replace the sum.
 * @source component-helpers resource/helpers.go, v1.35
 */
import type { Container, ContainerStatus, Pod } from './gen/core-v1.ts';
import { isSidecar } from './pod-status.ts';
import { type Quantity, tryParseQuantity, zeroQuantity } from './quantity.ts';

/** Resource name → amount. */
export type ResourceAmounts = Map<string, Quantity>;
type ResourceList = Readonly<Record<string, string>>;

export interface PodResourcesOptions {
  /** Count what in-place resizes have already given to containers, from the status. Default false. */
  readonly useStatusResources?: boolean;
  /** Leave out the RuntimeClass' overhead. Default false. */
  readonly excludeOverhead?: boolean;
  /** Do not let pod-level resources replace the sum. Default false. */
  readonly skipPodLevelResources?: boolean;
  /** Requests to assume for containers that name none, such as the scheduler's 100m and 200Mi for scoring. */
  readonly nonMissingContainerRequests?: ResourceList;
}

type PodLike = Pick<Pod, 'spec'> & { readonly status?: Pod['status'] };

/** Resources that can be given to the pod as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/** What the scheduler and the node's admission reserve for the pod. */
export function podRequests(pod: PodLike, options: PodResourcesOptions = {}): ResourceAmounts {
  const total = containerTotal(pod, 'requests', options);
  overridePodLevel(total, pod, 'requests', options);
  if (!options.excludeOverhead && pod.spec.overhead) addAll(total, pod.spec.overhead);
  return total;
}

/** What the pod may use at most; a resource without limit in some container is still the sum of the others. */
export function podLimits(pod: PodLike, options: PodResourcesOptions = {}): ResourceAmounts {
  const total = containerTotal(pod, 'limits', options);
  overridePodLevel(total, pod, 'limits', options);
  if (!options.excludeOverhead && pod.spec.overhead) {
    for (const [name, amount] of Object.entries(pod.spec.overhead)) {
      const limit = total.get(name);
      if (limit) total.set(name, limit.add(readAmount(amount)));
    }
  }
  return total;
}

/** The containers' effective sum, without overhead and pod-level resources. */
export function containerTotal(pod: PodLike, what: 'requests' | 'limits', options: PodResourcesOptions = {}): ResourceAmounts {
  const total: ResourceAmounts = new Map();
  for (const container of pod.spec.containers ?? []) {
    addAll(total, amountsOf(container, what, pod, pod.status?.containerStatuses, options));
  }
  const init = pod.spec.initContainers;
  if (init === undefined || init.length === 0) return total;
  const sidecars: ResourceAmounts = new Map();
  const peak: ResourceAmounts = new Map();
  for (const container of init) {
    const own = amountsOf(container, what, pod, pod.status?.initContainerStatuses, options);
    if (isSidecar(container)) {
      addAll(total, own);
      addAll(sidecars, own);
      raiseTo(peak, sidecars);
    } else {
      const moment = new Map(sidecars);
      addAll(moment, own);
      raiseTo(peak, moment);
    }
  }
  raiseTo(total, peak);
  return total;
}

function overridePodLevel(total: ResourceAmounts, pod: PodLike, what: 'requests' | 'limits', options: PodResourcesOptions): void {
  const podLevel = pod.spec.resources?.[what];
  if (options.skipPodLevelResources || !podLevel) return;
  for (const [name, amount] of Object.entries(podLevel)) if (isPodLevelResource(name)) total.set(name, readAmount(amount));
}

function amountsOf(
  container: Container,
  what: 'requests' | 'limits',
  pod: PodLike,
  statuses: readonly ContainerStatus[] | undefined,
  options: PodResourcesOptions,
): ResourceList | ResourceAmounts {
  let amounts: ResourceList | ResourceAmounts = container.resources?.[what] ?? {};
  if (options.useStatusResources) {
    const status = statuses?.find(({ name }) => name === container.name);
    if (status) amounts = withStatus(amounts, what, status, isResizeInfeasible(pod));
  }
  const assumed = what === 'requests' ? options.nonMissingContainerRequests : undefined;
  return assumed ? new Map([...entriesOf(assumed), ...entriesOf(amounts)]) : amounts;
}

/** The largest of what is wanted, allocated and in effect; what is wanted does not count once it is known not to fit. */
function withStatus(wanted: ResourceList, what: 'requests' | 'limits', status: ContainerStatus, infeasible: boolean): ResourceAmounts {
  const amounts: ResourceAmounts = new Map();
  if (!infeasible || !status.resources) raiseTo(amounts, wanted);
  if (status.resources?.[what]) raiseTo(amounts, status.resources[what]);
  if (what === 'requests' && status.allocatedResources) raiseTo(amounts, status.allocatedResources);
  return amounts;
}

function isResizeInfeasible(pod: PodLike): boolean {
  return pod.status?.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') ?? false;
}

function addAll(total: ResourceAmounts, amounts: ResourceList | ResourceAmounts): void {
  for (const [name, amount] of entriesOf(amounts)) {
    const sum = total.get(name);
    total.set(name, sum ? sum.add(amount) : amount);
  }
}

function raiseTo(total: ResourceAmounts, amounts: ResourceList | ResourceAmounts): void {
  for (const [name, amount] of entriesOf(amounts)) {
    const have = total.get(name);
    if (!have || amount.compare(have) > 0) total.set(name, amount);
  }
}

/** What is no quantity counts as nothing: such an object is on its way to being refused by validation. */
function readAmount(text: string): Quantity {
  return tryParseQuantity(text) ?? zeroQuantity;
}

function entriesOf(amounts: ResourceList | ResourceAmounts): [string, Quantity][] {
  return amounts instanceof Map ? [...amounts] : Object.entries(amounts).map(([name, amount]) => [name, readAmount(amount)]);
}
