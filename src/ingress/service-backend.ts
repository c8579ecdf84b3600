/** The Service that an Ingress leads to: which port of it, and what is spoken there. Pure. */
import type { corev1, networkingv1 } from '../api/index.ts';

/** What the server speaks to the pods. */
export type BackendProtocol = 'http1' | 'h2c' | 'https';

/** One port of one Service, as requests are led to it. */
export interface Backend {
  /** `namespace_service_port`, and `_protocol` unless that is HTTP/1.1: none of them can hold an underscore. */
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  /** As the port is called in the EndpointSlices. */
  readonly portName: string;
  readonly protocol: BackendProtocol;
  /** The family of the Service's addresses; endpoints of it are taken. */
  readonly addressType: string;
}

export type FoundBackend = { readonly type: 'backend'; readonly backend: Backend } | BackendFault;
export interface BackendFault {
  readonly type: 'fault';
  readonly message: string;
}

const namePattern = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** By `appProtocol`. @source KEP-3726 (kubernetes.io/h2c, kubernetes.io/ws, kubernetes.io/wss); the plain names are IANA's */
const protocols: Readonly<Record<string, BackendProtocol>> = {
  'kubernetes.io/h2c': 'h2c',
  h2c: 'h2c',
  grpc: 'h2c',
  https: 'https',
  'kubernetes.io/wss': 'https',
};

export function findBackend(
  namespace: string,
  wanted: networkingv1.IngressBackend,
  serviceOf: (namespace: string, name: string) => corev1.Service | undefined,
): FoundBackend {
  const { service: reference, resource } = wanted;
  if (resource) return fault(`resource backends are not supported: ${resource.kind} ${JSON.stringify(resource.name)}`);
  if (!reference) return fault('a backend without a Service is not supported');
  const key = `${namespace}/${reference.name}`;
  const service = serviceOf(namespace, reference.name);
  if (!service) return fault(`Service ${JSON.stringify(key)} does not exist`);
  if (service.spec.type === 'ExternalName') return fault(`Service ${JSON.stringify(key)} is of type ExternalName, which is not supported`);
  const { name, number } = reference.port ?? {};
  const port = (service.spec.ports ?? []).find((each) => (name ? each.name === name : each.port === number));
  if (!port) return fault(`Service ${JSON.stringify(key)} has no port ${name ? JSON.stringify(name) : number}`);
  if ((port.protocol ?? 'TCP') !== 'TCP') return fault(`port ${port.port} of Service ${JSON.stringify(key)} is not a TCP port`);
  if (!namePattern.test(namespace) || !namePattern.test(reference.name)) return fault(`Service ${JSON.stringify(key)} is not a name`);
  const protocol = protocols[port.appProtocol ?? ''] ?? 'http1';
  return {
    type: 'backend',
    backend: {
      id: `${namespace}_${reference.name}_${port.port}${protocol === 'http1' ? '' : `_${protocol}`}`,
      namespace,
      service: reference.name,
      portName: port.name ?? '',
      protocol,
      addressType: service.spec.ipFamilies?.[0] ?? 'IPv4',
    },
  };
}

function fault(message: string): BackendFault {
  return { type: 'fault', message };
}
