import { describe, expect, test } from 'vitest';
import type { corev1, discoveryv1 } from '../api/index.ts';
import { VirtualClock } from '../base/index.ts';
import { healthCheckOf, proxyReply, serviceReply } from './health-checks.ts';
import { serveHealth } from './health-server.ts';
import { isEligible, ProxyHealth } from './health-state.ts';

const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

function balancer(spec: Partial<corev1.ServiceSpec> = {}): corev1.Service {
  const ports = [{ name: 'http', port: 80 }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { type: 'LoadBalancer', clusterIP: '10.96.0.20', externalTrafficPolicy: 'Local', healthCheckNodePort: 31000, ports, ...spec },
    status: {},
  };
}

const slice: discoveryv1.EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata,
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.244.1.2'], nodeName: 'a', conditions: { ready: true } },
    { addresses: ['10.244.1.3'], nodeName: 'a', conditions: { ready: true } },
    { addresses: ['10.244.1.4'], nodeName: 'a', conditions: { ready: false, serving: true, terminating: true } },
    { addresses: ['10.244.2.2'], nodeName: 'b', conditions: { ready: true } },
  ],
};

describe('what a health-check node port counts', () => {
  test.each<[string, corev1.Service, string, number | undefined]>([
    ['ready endpoints of the node, not those that end', balancer(), 'a', 2],
    ['each node its own', balancer(), 'b', 1],
    ['a node without endpoints', balancer(), 'c', 0],
    ['not with the policy Cluster', balancer({ externalTrafficPolicy: 'Cluster' }), 'a', undefined],
    ['not for a NodePort Service', balancer({ type: 'NodePort' }), 'a', undefined],
    ['not without a port', balancer({ healthCheckNodePort: 0 }), 'a', undefined],
  ])('%s', (_name, service, nodeName, localEndpoints) => {
    expect(healthCheckOf(service, [slice], nodeName)?.localEndpoints).toBe(localEndpoints);
  });
});

test('the answer for a Service is upstream’s, to the byte', () => {
  expect(serviceReply('shop/web', 2, true)).toEqual({
    status: 200,
    headers: { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff', 'X-Load-Balancing-Endpoint-Weight': '2' },
    body: `{
\t"service": {
\t\t"namespace": "shop",
\t\t"name": "web"
\t},
\t"localEndpoints": 2,
\t"serviceProxyHealthy": true
}`,
  });
  expect(serviceReply('shop/web', 0, true).status).toBe(503);
  expect(serviceReply('shop/web', 2, false).status).toBe(503);
});

test('the proxy is unwell while a change waits for a minute, and well again once the kernel has it', async () => {
  const clock = new VirtualClock();
  const health = new ProxyHealth(clock);
  health.queued();
  await clock.advance(90_000);
  expect(health.healthy).toBe(true); // It has not begun yet.
  health.updated();
  health.queued();
  await clock.advance(59_000);
  health.queued();
  expect(health.healthy).toBe(true);
  await clock.advance(1_000);
  expect(health.healthy).toBe(false);
  health.updated();
  expect(health.healthy).toBe(true);
});

test('a node that is being taken away gets no traffic, but its proxy lives', () => {
  const node: corev1.Node = { apiVersion: 'v1', kind: 'Node', metadata: { ...metadata, name: 'a' }, spec: {}, status: {} };
  expect(isEligible(node)).toBe(true);
  expect(isEligible({ ...node, metadata: { ...node.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })).toBe(false);
  expect(isEligible({ ...node, spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } })).toBe(false);
  const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 60);
  const facts = { healthy: true, lastUpdatedMs: nowMs - 1_000, nodeEligible: false };
  expect(proxyReply('/livez', facts, nowMs)).toMatchObject({
    status: 200,
    body: '{"lastUpdated": "2026-01-02 03:04:05.06 +0000 UTC","currentTime": "2026-01-02 03:04:05.06 +0000 UTC"}',
  });
  expect(proxyReply('/healthz', facts, nowMs)).toMatchObject({
    status: 503,
    body: '{"lastUpdated": "2026-01-02 03:04:04.06 +0000 UTC","currentTime": "2026-01-02 03:04:05.06 +0000 UTC", "nodeEligible": false}',
  });
});

test('a server answers what it knows, and nothing else', async () => {
  await using server = await serveHealth({ port: 0, host: '127.0.0.1' }, (path) =>
    path === '/healthz' ? serviceReply('shop/web', 1, true) : undefined,
  );
  const answer = await fetch(`http://127.0.0.1:${server.port}/healthz?verbose`);
  expect([answer.status, answer.headers.get('x-load-balancing-endpoint-weight')]).toEqual([200, '1']);
  expect((await fetch(`http://127.0.0.1:${server.port}/etc/passwd`)).status).toBe(404);
  await expect(serveHealth({ port: server.port, host: '127.0.0.1' }, () => undefined)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
