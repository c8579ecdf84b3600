/**
 * The text of a pod's /etc/hosts. Pure.
 * @source pkg/kubelet/kubelet_pods.go managedHostsFileContent, nodeHostsFileContent, v1.35
 */
import type { corev1 } from '../../api/index.ts';

export interface HostsInput {
  readonly ips: readonly string[];
  readonly hostname: string;
  readonly domain: string;
  readonly aliases: readonly corev1.HostAlias[];
}

export function podHostsFile({ ips, hostname, domain, aliases }: HostsInput): string {
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...ips.map((ip) => (domain === '' ? `${ip}\t${hostname}` : `${ip}\t${hostname}.${domain}\t${hostname}`)),
  ];
  return `${lines.join('\n')}\n${aliasLines(aliases)}`;
}

/** A pod on the node's network reads the node's own entries. */
export function nodeHostsFile(nodeHosts: string, aliases: readonly corev1.HostAlias[]): string {
  return `# Kubernetes-managed hosts file (host network).\n${nodeHosts}${aliasLines(aliases)}`;
}

function aliasLines(aliases: readonly corev1.HostAlias[]): string {
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`);
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`;
}
