/**
 * Whether what is asked for stays within the bounds of a LimitRange; every fault in upstream's words. Pure.
 * @source kubernetes plugin/pkg/admission/limitranger PodValidateLimitFunc, PersistentVolumeClaimValidateLimitFunc, v1.35
 */
import { type corev1, podLimits, podRequests, type Quantity, type ResourceAmounts } from '../../../api/index.ts';
import { readAmounts } from '../../../api/quota/index.ts';

/** What one container, pod or claim asks for. */
interface Asked {
  readonly requests: ResourceAmounts;
  readonly limits: ResourceAmounts;
}

export function podFaults(pod: corev1.Pod, { spec }: corev1.LimitRange): string[] {
  return spec.limits.flatMap((item) => {
    if (item.type === 'Pod') {
      const asked = { requests: podRequests(pod, { excludeOverhead: true }), limits: podLimits(pod, { excludeOverhead: true }) };
      return faultsOf(item, asked);
    }
    if (item.type !== 'Container') return [];
    return [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) =>
      faultsOf(item, { requests: readAmounts(resources?.requests), limits: readAmounts(resources?.limits) }),
    );
  });
}

/** Claims have no limits: minimum and maximum are of what is requested. */
export function claimFaults(claim: corev1.PersistentVolumeClaim, { spec }: corev1.LimitRange): string[] {
  const requests = readAmounts(claim.spec.resources?.requests);
  return spec.limits
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) => [
      ...each(item.min, (name, min) => minimumFault(subject(name, item), min, { request: requests.get(name), limit: undefined })),
      ...each(item.max, (name, max) => {
        const usage = `maximum ${subject(name, item)} is ${max.toString()}`;
        const request = requests.get(name);
        if (!request) return `${usage}.  No request is specified`;
        return request.compare(max) > 0 ? `${usage}, but request is ${request.toString()}` : undefined;
      }),
    ]);
}

function faultsOf(item: corev1.LimitRangeItem, { requests, limits }: Asked): string[] {
  const amounts = (name: string): Amounts => ({ request: requests.get(name), limit: limits.get(name) });
  return [
    ...each(item.min, (name, min) => minimumFault(subject(name, item), min, amounts(name))),
    ...each(item.max, (name, max) => maximumFault(subject(name, item), max, amounts(name))),
    ...each(item.maxLimitRequestRatio, (name, ratio) => ratioFault(name, item.type, ratio, amounts(name))),
  ];
}

function each(list: Readonly<Record<string, string>> | undefined, check: (name: string, bound: Quantity) => string | undefined): string[] {
  return [...readAmounts(list)].map(([name, bound]) => check(name, bound)).filter((fault) => fault !== undefined);
}

function subject(name: string, { type }: corev1.LimitRangeItem): string {
  return `${name} usage per ${type}`;
}

interface Amounts {
  readonly request: Quantity | undefined;
  readonly limit: Quantity | undefined;
}

function minimumFault(what: string, min: Quantity, { request, limit }: Amounts): string | undefined {
  const usage = `minimum ${what} is ${min.toString()}`;
  if (!request) return `${usage}.  No request is specified`;
  if (request.compare(min) < 0) return `${usage}, but request is ${request.toString()}`;
  return limit && limit.compare(min) < 0 ? `${usage}, but limit is ${limit.toString()}` : undefined;
}

function maximumFault(what: string, max: Quantity, { request, limit }: Amounts): string | undefined {
  const usage = `maximum ${what} is ${max.toString()}`;
  if (!limit) return `${usage}.  No limit is specified`;
  if (limit.compare(max) > 0) return `${usage}, but limit is ${limit.toString()}`;
  return request && request.compare(max) > 0 ? `${usage}, but request is ${request.toString()}` : undefined;
}

function ratioFault(name: string, type: string, ratio: Quantity, { request, limit }: Amounts): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${ratio.toString()}`;
  if (!request || request.isZero) return `${rule}, but no request is specified or request is 0`;
  if (!limit || limit.isZero) return `${rule}, but no limit is specified or limit is 0`;
  const provided = limit.toNumber() / request.toNumber();
  return provided > ratio.toNumber() ? `${rule}, but provided ratio is ${provided.toFixed(6)}` : undefined;
}
