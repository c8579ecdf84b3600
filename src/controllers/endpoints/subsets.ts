/** The subsets of an Endpoints object: addresses that share ports stand together. Pure. @source pkg/api/v1/endpoints, v1.35 */
import { type corev1, ipFamilyOf, isPodReady } from '../../api/index.ts';
import { repackSubsets } from '../../api/kinds/index.ts';
import { hostnameOf, isReachable, podIpOf, podIps, portOn, targetRefOf } from '../service-endpoints/pod-endpoints.ts';

type Service = corev1.Service;
type Subset = corev1.EndpointSubset;
type Address = corev1.EndpointAddress;
type Port = corev1.EndpointPort;

/** Most addresses of one Endpoints object. */
const maxAddresses = 1000;

/** What a Service's pods come to. Pods that are being deleted are listed only where unready ones are published. */
export function subsetsOf(service: Service, pods: readonly corev1.Pod[]): Subset[] {
  const publishAll = service.spec.publishNotReadyAddresses === true;
  const single: { address: Address; port: Port | undefined; ready: boolean }[] = [];
  for (const pod of pods) {
    const address = isReachable(pod) && (publishAll || pod.metadata.deletionTimestamp === undefined) ? addressOf(pod, service) : undefined;
    if (!address) continue;
    const ready = publishAll || isPodReady(pod);
    const { ports = [] } = service.spec;
    if (ports.length === 0) {
      if (service.spec.clusterIP === 'None') single.push({ address, port: undefined, ready });
      continue;
    }
    for (const servicePort of ports) {
      const port = portOn(pod, servicePort);
      if (port === undefined) continue;
      const { name, protocol = 'TCP', appProtocol } = servicePort;
      single.push({ address, ready, port: { ...(name && { name }), port, protocol, ...(appProtocol !== undefined && { appProtocol }) } });
    }
  }
  return repack(single);
}

function addressOf(pod: corev1.Pod, service: Service): Address | undefined {
  const family = service.spec.ipFamilies?.[0] ?? ipFamilyOf(service.spec.clusterIP ?? '');
  const ip = family === undefined ? podIps(pod)[0] : podIpOf(pod, family);
  if (ip === undefined) return undefined;
  const hostname = hostnameOf(pod, service);
  return { ip, ...(hostname && { hostname }), ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }), targetRef: targetRefOf(pod) };
}

/** One subset for each port of each address comes in; the order does not depend on that of the pods. */
function repack(single: readonly { readonly address: Address; readonly port: Port | undefined; readonly ready: boolean }[]): Subset[] {
  const key = ({ port }: { readonly port: Port | undefined }): string => (port ? portText(port) : '');
  const ordered = [...single].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  return repackSubsets(
    ordered.map(({ address, port, ready }) => ({
      ...(ready ? { addresses: [address] } : { notReadyAddresses: [address] }),
      ...(port && { ports: [port] }),
    })),
  );
}

function portText({ name = '', port, protocol, appProtocol = '' }: Port): string {
  return `${name}/${String(port).padStart(5, '0')}/${protocol}/${appProtocol}`;
}

/** At most a thousand addresses, ready ones first, each subset in proportion. @source endpoints_controller.go truncateEndpoints */
export function truncate(subsets: readonly Subset[]): { readonly subsets: readonly Subset[]; readonly truncated: boolean } {
  const count = (of: (subset: Subset) => readonly Address[] | undefined): number =>
    subsets.reduce((sum, subset) => sum + (of(subset)?.length ?? 0), 0);
  const ready = count(({ addresses }) => addresses);
  const notReady = count(({ notReadyAddresses }) => notReadyAddresses);
  if (ready + notReady <= maxAddresses) return { subsets, truncated: false };
  const allowReady = Math.min(ready, maxAddresses);
  const allowNotReady = maxAddresses - allowReady;
  const take = <T>(items: readonly T[], share: number, left: number): readonly T[] =>
    items.slice(0, Math.min(Math.ceil(share * items.length), left));
  let [leftReady, leftNotReady] = [allowReady, allowNotReady];
  const cut = subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => {
    const kept = take(addresses, ready === 0 ? 0 : allowReady / ready, leftReady);
    const keptNotReady = take(notReadyAddresses, notReady === 0 ? 0 : allowNotReady / notReady, leftNotReady);
    leftReady -= kept.length;
    leftNotReady -= keptNotReady.length;
    return {
      ...(kept.length > 0 && { addresses: kept }),
      ...(keptNotReady.length > 0 && { notReadyAddresses: keptNotReady }),
      ...(ports && { ports }),
    };
  });
  return { subsets: cut.filter(({ addresses, notReadyAddresses }) => addresses ?? notReadyAddresses), truncated: true };
}
