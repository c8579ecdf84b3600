/**
 * The ranges that Services get addresses from: those of the ServiceCIDRs that are ready, and the configured one until its own
 * ServiceCIDR, `kubernetes`, is there to speak for it.
 * @source kubernetes pkg/registry/core/service/ipallocator/cidrallocator.go, v1.35
 */
import { isConditionTrue, type networkingv1, parseCidr } from '../../api/index.ts';

/** The ServiceCIDR of the configured range. */
export const defaultServiceCidrName = 'kubernetes';

/** IPv4 ranges in use; a range that is going, or too small, gives no more addresses. */
export function rangesInUse(serviceCidrs: readonly networkingv1.ServiceCIDR[], configured: string): string[] {
  const ready = serviceCidrs.filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && isConditionTrue(status.conditions, 'Ready'),
  );
  const known = serviceCidrs.some(({ metadata, status }) => metadata.name === defaultServiceCidrName && status.conditions?.length);
  return [...(known ? [] : [configured]), ...ready.flatMap(({ spec }) => spec.cidrs ?? []).filter(isUsable)];
}

function isUsable(text: string): boolean {
  const cidr = parseCidr(text);
  return cidr?.address.family === 'IPv4' && cidr.prefixLength <= 30;
}
