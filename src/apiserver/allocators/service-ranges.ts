/**
 * The ranges that Services get addresses from: those of the ServiceCIDRs that are ready, and the configured one until its own
 * ServiceCIDR, `kubernetes`, is there to speak for it.
 * @source kubernetes pkg/registry/core/service/ipallocator/cidrallocator.go, v1.35
 */
import { isConditionTrue, type networkingv1 } from '../../api/index.ts';
import { rangeFault } from './service-addresses.ts';

/** The ServiceCIDR of the configured range. */
export const defaultServiceCidrName = 'kubernetes';

/** Ranges in use; one that is going, too small or too large gives no more addresses. */
export function rangesInUse(serviceCidrs: readonly networkingv1.ServiceCIDR[], configured: readonly string[]): string[] {
  const ready = serviceCidrs.filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && isConditionTrue(status.conditions, 'Ready'),
  );
  const known = serviceCidrs.some(({ metadata, status }) => metadata.name === defaultServiceCidrName && status.conditions?.length);
  return [
    ...(known ? [] : configured),
    ...ready.flatMap(({ spec }) => spec.cidrs ?? []).filter((range) => rangeFault(range) === undefined),
  ];
}
