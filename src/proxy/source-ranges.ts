/**
 * Who may reach a Service by its load balancer's addresses: the ranges of its spec, or of the annotation of old. A range that is none costs
 * only itself. Pure. @source kube-proxy v1.35, pkg/proxy/serviceport.go; cloud-provider v1.35, service/helpers (the annotation)
 */
import { cidrContains, type corev1, formatCidr, type IpFamily, parseCidr, parseIp } from '../api/index.ts';

export const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

export interface SourceRanges {
  /** Ranges in canonical text, host bits cleared; undefined when everybody may. Empty when ranges were asked for and none is one: nobody may. */
  readonly allowed: readonly string[] | undefined;
  /** Texts that are no range. */
  readonly invalid: readonly string[];
}

/**
 * What is allowed in a family. Ranges of one family do not restrict the other, as upstream.
 * @param nodeIps addresses of this node; where a range allows it, its own load balancer addresses may come back to it as sources
 */
export function sourceRangesOf(
  { spec, metadata, status }: corev1.Service,
  { family, nodeIps }: { readonly family: IpFamily; readonly nodeIps: readonly string[] },
): SourceRanges {
  const texts = askedRanges(spec.loadBalancerSourceRanges, metadata.annotations?.[sourceRangesAnnotation]);
  if (texts.length === 0) return { allowed: undefined, invalid: [] };
  const invalid: string[] = [];
  const ranges = texts.flatMap((text) => {
    const cidr = parseCidr(text);
    if (!cidr) invalid.push(text);
    return cidr ?? [];
  });
  const ours = ranges.filter(({ address }) => address.family === family);
  if (ours.length === 0) return { allowed: ranges.length === 0 ? [] : undefined, invalid };
  const allowed = new Set(ours.map(formatCidr));
  const nodes = nodeIps.flatMap((ip) => parseIp(ip) ?? []);
  if (nodes.some((node) => ours.some((range) => cidrContains(range, node)))) {
    for (const { ip } of status.loadBalancer?.ingress ?? []) {
      const address = ip === undefined ? undefined : parseIp(ip);
      if (address?.family === family) allowed.add(formatCidr({ address, prefixLength: family === 'IPv4' ? 32 : 128 }));
    }
  }
  return { allowed: [...allowed].toSorted(), invalid };
}

function askedRanges(fromSpec: readonly string[] | undefined, annotation: string | undefined): string[] {
  const texts = fromSpec?.length ? fromSpec : (annotation ?? '').split(',');
  return texts.map((text) => text.trim()).filter((text) => text !== '');
}
