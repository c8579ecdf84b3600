/**
 * A pod's resolver: the cluster's, the node's or its own, within the limits that C libraries have. Pure; what had to be left out is
 * answered as messages for events.
 * @source pkg/kubelet/network/dns/dns.go, v1.35
 */
import { type corev1, goQuote } from '../../api/index.ts';
import { formatPod } from '../pods/pod-names.ts';
import type { DnsConfig } from '../runtime/runtime.ts';

const maxServers = 3;
const maxSearches = 32;
const maxSearchLength = 2048;

export interface NodeDns {
  /** Addresses of the cluster's DNS service; empty when the cluster has none. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolver configuration. */
  readonly host: DnsConfig;
}

export interface PodDns {
  readonly config: DnsConfig;
  /** Warnings to record: reason and message. */
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

export function podDns(pod: corev1.Pod, node: NodeDns): PodDns {
  const warnings: { reason: string; message: string }[] = [];
  const base = baseConfig(pod, node, warnings);
  return { config: limited(withPodConfig(base, pod.spec.dnsConfig), warnings), warnings };
}

function baseConfig(
  pod: corev1.Pod,
  { clusterDns, clusterDomain, host }: NodeDns,
  warnings: { reason: string; message: string }[],
): DnsConfig {
  const { dnsPolicy = 'ClusterFirst', hostNetwork } = pod.spec;
  if (dnsPolicy === 'None') return { servers: [], searches: [], options: [] };
  const cluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  if (cluster && clusterDns.length > 0) {
    const namespace = pod.metadata.namespace ?? '';
    const searches = clusterDomain === '' ? [] : [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
    return { servers: clusterDns, searches: unique([...searches, ...host.searches]), options: ['ndots:5'] };
  }
  if (cluster) {
    warnings.push({
      reason: 'MissingClusterDNS',
      message: `pod: ${goQuote(formatPod(pod))}. kubelet does not have ClusterDNS IP configured and cannot create Pod using ${goQuote(dnsPolicy)} policy. Falling back to "Default" policy.`,
    });
  }
  return host;
}

function withPodConfig(base: DnsConfig, config: corev1.PodDNSConfig | undefined): DnsConfig {
  if (!config) return base;
  const options = new Map(base.options.map((option) => [option.split(':')[0]!, option]));
  for (const { name = '', value } of config.options ?? []) options.set(name, value ? `${name}:${value}` : name);
  return {
    servers: unique([...base.servers, ...(config.nameservers ?? [])]),
    searches: unique([...base.searches, ...(config.searches ?? [])]),
    options: [...options.values()],
  };
}

function limited(config: DnsConfig, warnings: { reason: string; message: string }[]): DnsConfig {
  let { servers, searches } = config;
  if (servers.length > maxServers) {
    servers = servers.slice(0, maxServers);
    const message = `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`;
    warnings.push({ reason: 'DNSConfigForming', message });
  }
  const kept = fitSearches(searches);
  if (kept.length < searches.length) {
    searches = kept;
    const message = `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`;
    warnings.push({ reason: 'DNSConfigForming', message });
  }
  return { servers, searches, options: config.options };
}

function fitSearches(searches: readonly string[]): readonly string[] {
  const kept = searches.slice(0, maxSearches);
  while (kept.join(' ').length > maxSearchLength) kept.pop();
  return kept;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** Reads a resolv.conf. */
export function parseResolvConf(text: string): DnsConfig {
  const config = { servers: [] as string[], searches: [] as string[], options: [] as string[] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0]) config.servers.push(values[0]);
    // The last search line counts; a lone dot adds nothing.
    else if (keyword === 'search') config.searches = values.map((value) => (value === '.' ? value : value.replace(/\.$/, '')));
    else if (keyword === 'options') config.options.push(...values);
  }
  return config;
}
