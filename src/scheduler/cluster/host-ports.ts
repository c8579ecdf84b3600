/** Ports of the node that pods take. @source kube-scheduler framework HostPortInfo, v1.35 */
import { type corev1, isSidecar } from '../../api/index.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const anyAddress = '0.0.0.0';

/** Host ports of all containers, sidecars among them. */
export function hostPortsOf(spec: corev1.PodSpec): readonly HostPort[] {
  const found: HostPort[] = [];
  for (const { ports } of [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)]) {
    for (const { hostPort, hostIP, protocol } of ports ?? []) {
      if (hostPort) found.push({ ip: hostIP || anyAddress, protocol: protocol || 'TCP', port: hostPort });
    }
  }
  return found;
}

/** The same protocol and port, on the same address or where one side takes all addresses. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress);
}
