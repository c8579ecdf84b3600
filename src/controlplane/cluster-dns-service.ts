/**
 * The Service under which pods find cluster DNS, and where it leads: the nodes whose agents answer. A controller like any other, though it
 * makes objects instead of following them.
 */
import { corev1Resources, type discoveryv1, discoveryv1Resources, isApiError, type Unsaved } from '../api/index.ts';
import type { corev1 } from '../api/index.ts';
import { type Clock, type Ctx, isAbort, type TaskGroup } from '../base/index.ts';
import type { Client } from '../client/index.ts';

export interface ClusterDnsService {
  /** The address that every pod's resolv.conf names. */
  readonly serviceIp: string;
  /** Where an agent's DNS listens. */
  readonly endpoints: readonly { readonly nodeName: string; readonly ip: string }[];
  readonly port: number;
}

const namespace = 'kube-system';
const name = 'kube-dns';
const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' };
const lookAgainMs = 60_000;
const retryMs = 500;

export function startClusterDnsService(dns: ClusterDnsService, client: Client, clock: Clock, group: TaskGroup): void {
  group.spawn('cluster DNS service', async (ctx) => {
    for (;;) {
      let waitMs = lookAgainMs;
      try {
        await keep(dns, client, ctx);
      } catch (err) {
        if (isAbort(err, ctx.signal) || !isApiError(err)) throw err;
        ctx.log.warn('cannot keep the DNS Service', { err });
        waitMs = retryMs;
      }
      await clock.sleep(waitMs, ctx.signal);
    }
  });
}

async function keep(dns: ClusterDnsService, client: Client, { signal }: Ctx): Promise<void> {
  const query = { fieldManager: 'knarr-dns', force: true };
  const apply = { type: 'application/apply-patch+yaml' } as const;
  await client.patch(corev1Resources.services, { namespace, name }, { ...apply, body: dnsService(dns) }, { signal, query });
  await client.patch(discoveryv1Resources.endpointslices, { namespace, name }, { ...apply, body: dnsEndpoints(dns) }, { signal, query });
}

/** Without a selector: its endpoints are the agents, not pods. Pure. */
export function dnsService({ serviceIp }: ClusterDnsService): Unsaved<corev1.Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels },
    spec: {
      clusterIP: serviceIp,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  };
}

export function dnsEndpoints({ endpoints, port }: ClusterDnsService): Unsaved<discoveryv1.EndpointSlice> {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'knarr-dns' } },
    addressType: 'IPv4',
    ports: [
      { name: 'dns', port, protocol: 'UDP' },
      { name: 'dns-tcp', port, protocol: 'TCP' },
    ],
    endpoints: endpoints.map(({ nodeName, ip }) => ({
      addresses: [ip],
      nodeName,
      conditions: { ready: true, serving: true, terminating: false },
    })),
  };
}
