/**
 * Which health-check node port a Service asks for and what a load balancer is to hear there. Pure.
 * @source kube-proxy v1.35, pkg/proxy/healthcheck/service_health.go; EndpointsMap.LocalReadyEndpoints
 */
import type { corev1, discoveryv1 } from '../api/index.ts';
import { endpointsOf } from './endpoint-list.ts';
import { externalPolicyIsLocal, isProxied } from './service-ports.ts';

export interface ServiceHealthCheck {
  readonly port: number;
  /** Ready endpoints on this node. */
  readonly localEndpoints: number;
}

/** Undefined when nobody is to ask. @param slices those labelled with the Service's name */
export function healthCheckOf(
  service: corev1.Service,
  slices: readonly discoveryv1.EndpointSlice[],
  nodeName: string,
): ServiceHealthCheck | undefined {
  const { type, healthCheckNodePort, ports = [], ipFamilies } = service.spec;
  if (!isProxied(service) || type !== 'LoadBalancer' || !externalPolicyIsLocal(service) || !healthCheckNodePort) return undefined;
  const family = ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const ready = ports.flatMap((port) => endpointsOf(slices, port, { family, nodeName })).filter((each) => each.local && each.ready);
  return { port: healthCheckNodePort, localEndpoints: new Set(ready.map(({ ip }) => ip)).size };
}

/** What a health check answers. */
export interface HealthReply {
  readonly status: 200 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const jsonHeaders = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };

/** The answer for a Service; `key` is `namespace/name`. */
export function serviceReply(key: string, localEndpoints: number, proxyHealthy: boolean): HealthReply {
  const slash = key.indexOf('/');
  const facts = {
    service: { namespace: key.slice(0, slash), name: key.slice(slash + 1) },
    localEndpoints,
    serviceProxyHealthy: proxyHealthy,
  };
  return {
    status: localEndpoints > 0 && proxyHealthy ? 200 : 503,
    headers: { ...jsonHeaders, 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
    body: JSON.stringify(facts, null, '\t'),
  };
}

/** What is known of the proxy when somebody asks. */
export interface ProxyFacts {
  readonly healthy: boolean;
  readonly lastUpdatedMs: number | undefined;
  readonly nodeEligible: boolean;
}

/** The answer of `/healthz` (may traffic be sent to the node?) or `/livez` (does the proxy keep up?). */
export function proxyReply(path: '/healthz' | '/livez', facts: ProxyFacts, nowMs: number): HealthReply {
  const well = facts.healthy && (path === '/livez' || facts.nodeEligible);
  const lastUpdated = goTime(well ? nowMs : facts.lastUpdatedMs);
  const eligible = path === '/healthz' ? `, "nodeEligible": ${facts.nodeEligible}` : '';
  return {
    status: well ? 200 : 503,
    headers: jsonHeaders,
    body: `{"lastUpdated": "${lastUpdated}","currentTime": "${goTime(nowMs)}"${eligible}}`,
  };
}

/** A time as Go prints it; the zero time where there is none. */
function goTime(epochMs: number | undefined): string {
  if (epochMs === undefined) return '0001-01-01 00:00:00 +0000 UTC';
  const [date, time] = new Date(epochMs).toISOString().slice(0, -1).split('T');
  return `${date} ${time!.replace(/\.?0+$/, '')} +0000 UTC`;
}
