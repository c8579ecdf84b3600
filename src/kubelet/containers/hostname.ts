/**
 * The name that a pod's containers see and its full domain name. Pure.
 * @source pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain, pkg/kubelet/util, v1.35
 */
import type { corev1 } from '../../api/index.ts';

/** The kernel's limit for a host name. */
const maxHostname = 64;
const maxLabel = 63;

export interface PodHostname {
  /** What `hostname` prints. */
  readonly hostname: string;
  /** Empty when the pod has none. */
  readonly domain: string;
  /** First name in /etc/hosts. */
  readonly label: string;
}

/** The full name does not fit; the pod cannot start until it is changed. */
export class HostnameError extends Error {
  override readonly name = 'HostnameError';
}

/** @throws HostnameError when setHostnameAsFQDN asks for a name that is too long */
export function podHostname(pod: corev1.Pod, clusterDomain: string): PodHostname {
  const { hostname = '', hostnameOverride, subdomain, setHostnameAsFQDN } = pod.spec;
  if (hostnameOverride !== undefined) return { hostname: hostnameOverride, domain: '', label: hostnameOverride };
  const label = hostname === '' ? truncated(pod.metadata.name) : hostname;
  const domain = subdomain ? `${subdomain}.${pod.metadata.namespace ?? ''}.svc.${clusterDomain}` : '';
  if (!setHostnameAsFQDN || domain === '') return { hostname: label, domain, label };
  const full = `${label}.${domain}`;
  if (full.length > maxHostname) {
    throw new HostnameError(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (${maxHostname} characters is the max, ${full.length} characters requested)`,
    );
  }
  return { hostname: full, domain, label };
}

/** A pod's name may be longer than a host name's label, and must not end in a dash or dot when cut. */
function truncated(name: string): string {
  return name.length <= maxLabel ? name : name.slice(0, maxLabel).replace(/[-.]+$/, '');
}
