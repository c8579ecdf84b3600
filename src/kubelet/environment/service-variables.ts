/**
 * The variables that tell a container where services are, as Docker links once did. Pure: services in, variables out.
 * @source pkg/kubelet/envvars and kubelet_pods.go getServiceEnvVarMap (v1.35)
 */
import { isIPv6 } from 'node:net';
import type { corev1 } from '../../api/index.ts';

/**
 * Variables of the services a pod in `namespace` sees: `default/kubernetes` always, its namespace's own with `enableServiceLinks`.
 * Services without a cluster IP have none.
 */
export function serviceVariables(
  services: readonly corev1.Service[],
  options: { readonly namespace: string; readonly enableServiceLinks: boolean },
): Map<string, string> {
  const byName = new Map<string, corev1.Service>();
  for (const service of services) {
    const { namespace, name } = service.metadata;
    if (!hasClusterIp(service)) continue;
    const isMaster = namespace === 'default' && name === 'kubernetes';
    if (isMaster) {
      if (!byName.has(name)) byName.set(name, service);
    } else if (options.enableServiceLinks && namespace === options.namespace) {
      byName.set(name, service);
    }
  }
  const variables = new Map<string, string>();
  for (const service of byName.values()) addVariables(service, variables);
  return variables;
}

function hasClusterIp(service: corev1.Service): boolean {
  const { clusterIP = '', type } = service.spec;
  return clusterIP !== '' && clusterIP !== 'None' && type !== 'ExternalName';
}

function addVariables(service: corev1.Service, variables: Map<string, string>): void {
  const prefix = variableName(service.metadata.name);
  const host = service.spec.clusterIP ?? '';
  const ports = service.spec.ports ?? [];
  variables.set(`${prefix}_SERVICE_HOST`, host);
  if (ports[0]) variables.set(`${prefix}_SERVICE_PORT`, String(ports[0].port));
  for (const port of ports) {
    if (port.name) variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
  }
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol ?? 'TCP';
    const url = `${protocol.toLowerCase()}://${isIPv6(host) ? `[${host}]` : host}:${port.port}`;
    const link = `${prefix}_PORT_${port.port}_${protocol}`;
    if (index === 0) variables.set(`${prefix}_PORT`, url);
    variables.set(link, url);
    variables.set(`${link}_PROTO`, protocol.toLowerCase());
    variables.set(`${link}_PORT`, String(port.port));
    variables.set(`${link}_ADDR`, host);
  }
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}
