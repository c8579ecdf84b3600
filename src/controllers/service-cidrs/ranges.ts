/** Which ranges hold which addresses and one another, and whether one may go. Pure. @source pkg/api/servicecidr, pkg/controller/servicecidrs, v1.35 */
import { type Cidr, cidrContains, networkOf, type networkingv1, parseCidr, parseIp } from '../../api/index.ts';

type ServiceCIDR = networkingv1.ServiceCIDR;

/** Ranges that hold an address. */
export function rangesOfAddress(all: readonly ServiceCIDR[], text: string): readonly ServiceCIDR[] {
  const address = parseIp(text);
  return address ? all.filter((one) => cidrsOf(one).some((cidr) => cidrContains(cidr, address))) : [];
}

/** Ranges that share addresses with `range`, itself among them. */
export function overlapping(all: readonly ServiceCIDR[], range: ServiceCIDR): readonly ServiceCIDR[] {
  const own = cidrsOf(range);
  return all.filter((one) => cidrsOf(one).some((cidr) => own.some((mine) => holds(cidr, mine) || holds(mine, cidr))));
}

/**
 * Whether nothing is left without a range when this one goes: other ranges hold all of it, or no address is in it alone.
 * @param addresses names of the addresses that the API server gave to Services
 */
export function mayGo(range: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly string[]): boolean {
  const others = all.filter(({ metadata }) => metadata.name !== range.metadata.name);
  if (cidrsOf(range).every((cidr) => others.some((other) => cidrsOf(other).some((outer) => holds(outer, cidr))))) return true;
  return !addresses.some((address) => {
    const [only, ...more] = rangesOfAddress(all, address);
    return more.length === 0 && only?.metadata.name === range.metadata.name;
  });
}

function cidrsOf({ spec }: ServiceCIDR): readonly Cidr[] {
  return (spec.cidrs ?? []).flatMap((text) => parseCidr(text) ?? []);
}

function holds(outer: Cidr, inner: Cidr): boolean {
  return outer.prefixLength <= inner.prefixLength && cidrContains(outer, networkOf(inner));
}
