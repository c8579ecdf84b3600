/**
 * Where `pods/proxy`, `services/proxy` and `nodes/proxy` lead.
 * @source kubernetes pkg/registry/core/{pod,service,node} ResourceLocation
 */
import { badRequest, type corev1, corev1Resources, goQuote, notFound, serviceUnavailable } from '../../api/index.ts';
import type { Random } from '../../base/index.ts';
import { type Backend, parseProxyTarget, type ProxyTarget } from '../proxying/index.ts';
import type { Registry } from '../storage.ts';
import { checkedAddress, checkedHost } from './backend-address.ts';
import type { KubeletConnector } from './kubelet-connector.ts';
import { findPod } from './pod-container.ts';

/** Whoever answers behind a pod or a service is believed: nobody can check its certificate. */
const anyTls = { ca: undefined } as const;

interface Key {
  readonly namespace: string;
  /** As it stands in the path: `web`, `web:80`, `https:web:443`. */
  readonly id: string;
}

/** @throws ApiError BadRequest, NotFound */
export function podBackend(registry: Registry, { namespace, id }: Key): Backend {
  const target = targetOf('pod', id);
  const pod = findPod(registry, { namespace, name: target.name });
  const declared = pod.spec.containers.find(({ ports }) => ports && ports.length > 0)?.ports?.[0]?.containerPort;
  const port = target.port === '' ? (declared ?? defaultPort(target)) : Number(target.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(`invalid pod request ${goQuote(id)}`);
  return { host: checkedAddress(pod.status?.podIPs?.[0]?.ip ?? ''), port, tls: tlsOf(target) };
}

/** A random ready endpoint of a Service that is a pod. @throws ApiError BadRequest, NotFound, ServiceUnavailable */
export function serviceBackend(registry: Registry, { namespace, id }: Key, random: Random): Backend {
  const target = targetOf('service', id);
  const portName = portNameOf(registry, namespace, target);
  const { name } = target;
  const endpoints = registry.cached(corev1Resources.endpoints, { namespace, name });
  if (!endpoints) throw notFound({ group: '', resource: 'endpoints', name });
  if ((endpoints.subsets ?? []).length === 0) throw serviceUnavailable(`no endpoints available for service ${goQuote(name)}`);
  for (const { addresses = [], ports = [] } of rotated(endpoints.subsets ?? [], random)) {
    const port = ports.find((candidate) => (candidate.name ?? '') === portName);
    if (!port) continue;
    const address = rotated(addresses, random).find((candidate) => isPod(registry, candidate));
    if (address) return { host: checkedAddress(address.ip), port: port.port, tls: tlsOf(target) };
  }
  throw serviceUnavailable(`no endpoints available for service ${goQuote(id)}`);
}

/** The kubelet, or another port of its node. @throws ApiError BadRequest, NotFound */
export function nodeBackend(kubelets: KubeletConnector, id: string): Backend {
  const target = targetOf('node', id);
  const kubelet = kubelets.backendOf(target.name);
  if (target.port === '' || target.port === String(kubelet.port)) return kubelet;
  const port = Number(target.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(`invalid node request ${goQuote(id)}`);
  return { ...checkedHost(kubelet.host), port, tls: tlsOf(target) };
}

function targetOf(kind: string, id: string): ProxyTarget {
  const target = parseProxyTarget(id);
  if (!target) throw badRequest(`invalid ${kind} request ${goQuote(id)}`);
  return target;
}

function tlsOf({ scheme }: ProxyTarget): Backend['tls'] {
  return scheme === 'https' ? anyTls : undefined;
}

function defaultPort({ scheme }: ProxyTarget): number {
  return scheme === 'https' ? 443 : 80;
}

/** Endpoints name ports; a number in the path is a port of the Service. */
function portNameOf(registry: Registry, namespace: string, { name, port }: ProxyTarget): string {
  if (!/^\d+$/.test(port)) return port;
  const service = registry.cached(corev1Resources.services, { namespace, name });
  if (!service) throw notFound({ group: '', resource: 'services', name });
  const found = service.spec.ports?.find((candidate) => candidate.port === Number(port));
  if (!found) throw serviceUnavailable(`no service port ${Number(port)} found for service ${goQuote(name)}`);
  return found.name ?? '';
}

/** Endpoints can be written by hand; only what is a pod's own address is connected to. */
function isPod(registry: Registry, { ip, targetRef }: corev1.EndpointAddress): boolean {
  if (targetRef?.kind !== 'Pod' || !targetRef.name || targetRef.namespace === undefined) return false;
  const pod = registry.cached(corev1Resources.pods, { namespace: targetRef.namespace, name: targetRef.name });
  return pod?.status?.podIPs?.some((podIp) => podIp.ip === ip) ?? false;
}

/** The same list from a random place on, around its end. */
function rotated<T>(list: readonly T[], random: Random): readonly T[] {
  const start = Math.floor(random.next() * list.length);
  return [...list.slice(start), ...list.slice(0, start)];
}
