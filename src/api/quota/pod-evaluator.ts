/**
 * How much a pod takes of a quota: all its requests and limits while it lives, and its count as long as it is stored.
 * @source pkg/quota/v1/evaluator/core/pods.go, v1.35
 */
import type { Container, Pod, PodAffinityTerm } from '../gen/core-v1.ts';
import { isExtendedResource } from '../kinds/core/pod/validate-resources.ts';
import { isHugePages, isNativeResource } from '../kinds/core/resource-list.ts';
import { isPodLevelResource, podLimits, podRequests, type ResourceAmounts } from '../pod-resources.ts';
import { podQosClass } from '../qos.ts';
import { quantityOf } from '../quantity.ts';
import { addAmounts, readAmounts, sameAmounts } from './amounts.ts';
import { isInClasses, objectCountName, type QuotaEvaluator, type QuotaWrite, type ScopeRequirement } from './evaluator.ts';

const countName = objectCountName('', 'pods');
const one = quantityOf(1);
const computeNames: ReadonlySet<string> = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);
const podNames: ReadonlySet<string> = new Set([
  countName,
  'pods',
  ...computeNames,
  'ephemeral-storage',
  'requests.ephemeral-storage',
  'limits.ephemeral-storage',
]);
/** Resources that have a name for requests, one for limits, and one without a prefix for requests. */
const splitNames = ['cpu', 'memory', 'ephemeral-storage'];

export const podEvaluator: QuotaEvaluator<Pod> = {
  group: '',
  plural: 'pods',
  handles,
  matchesResource: (name) =>
    podNames.has(name) ||
    name.startsWith('hugepages-') ||
    name.startsWith('requests.hugepages-') ||
    (!isNativeResource(name) && name.startsWith('requests.')),
  matchesScope,
  missing,
  usage: (pod, nowMs) => {
    const count: ResourceAmounts = new Map([[countName, one]]);
    return isCharged(pod, nowMs) ? addAmounts(count, chargeOf(pod)) : count;
  },
  frees: (old, pod, nowMs) => (isCharged(old, nowMs) && !isCharged(pod, nowMs)) || hasNewAllocation(old, pod),
};

function handles({ operation, subresource, object, oldObject }: QuotaWrite): boolean {
  if (subresource === 'resize') return operation === 'UPDATE';
  if (subresource !== '') return false;
  // An update can move the pod into the scope of another quota. The evaluator is asked only for pods.
  if (operation === 'UPDATE') return isTerminating(object as Pod) !== isTerminating(oldObject as Pod);
  return operation === 'CREATE';
}

/** A pod that has ended, or should have long ago on a node that is lost, takes nothing but its place in the store. */
function isCharged({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function chargeOf(pod: Pod): ResourceAmounts {
  return quotaAmounts(podRequests(pod, { useStatusResources: true }), podLimits(pod, { useStatusResources: true }));
}

/** Requests and limits under the names that quotas have for them. */
function quotaAmounts(requests: ResourceAmounts, limits: ResourceAmounts): ResourceAmounts {
  const charge: ResourceAmounts = new Map([['pods', one]]);
  for (const name of splitNames) {
    const [request, limit] = [requests.get(name), limits.get(name)];
    if (request) charge.set(name, request).set(`requests.${name}`, request);
    if (limit) charge.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requests) {
    if (isHugePages(name)) charge.set(name, request);
    if (isHugePages(name) || isExtendedResource(name)) charge.set(`requests.${name}`, request);
  }
  return charge;
}

/** Every container has to ask for CPU and memory where a quota limits them, unless the pod as a whole does. */
function missing(limited: readonly string[], { spec }: Pod): string | undefined {
  const required = limited.filter((name) => computeNames.has(name));
  if (required.length === 0) return undefined;
  const podLevel = [...Object.keys(spec.resources?.requests ?? {}), ...Object.keys(spec.resources?.limits ?? {})];
  if (podLevel.some(isPodLevelResource)) return undefined;
  const lacking = new Map<string, string[]>();
  for (const { name, resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])] as readonly Container[]) {
    const has = quotaAmounts(readAmounts(resources?.requests), readAmounts(resources?.limits));
    for (const resource of required) {
      if (!has.has(resource)) lacking.set(resource, [...(lacking.get(resource) ?? []), name]);
    }
  }
  if (lacking.size === 0) return undefined;
  const parts = [...lacking.keys()].sort().map((name) => `${name} for: ${lacking.get(name)!.sort().join(',')}`);
  return `must specify ${parts.join('; ')}`;
}

function matchesScope(scope: ScopeRequirement, pod: Pod): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return podQosClass(pod) === 'BestEffort';
    case 'NotBestEffort':
      return podQosClass(pod) !== 'BestEffort';
    case 'PriorityClass':
      return isInClasses(scope, pod.spec.priorityClassName || undefined);
    case 'CrossNamespacePodAffinity':
      return looksIntoOtherNamespaces(pod);
    default:
      return false;
  }
}

/** A pod whose time is limited. */
function isTerminating({ spec }: Pod): boolean {
  return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
}

function looksIntoOtherNamespaces({ spec }: Pod): boolean {
  const terms = [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some(
    ({ namespaces, namespaceSelector }: PodAffinityTerm) => (namespaces ?? []).length > 0 || namespaceSelector !== undefined,
  );
}

/** The kubelet gave a container other resources. */
function hasNewAllocation({ status: old }: Pod, { status }: Pod): boolean {
  const [before, after] = [old?.containerStatuses ?? [], status?.containerStatuses ?? []];
  if (before.length !== after.length) return false;
  return before.some(
    ({ allocatedResources }, i) => !sameAmounts(readAmounts(allocatedResources), readAmounts(after[i]!.allocatedResources)),
  );
}
