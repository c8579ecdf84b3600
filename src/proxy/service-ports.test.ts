import { describe, expect, test } from 'vitest';
import type { corev1, discoveryv1 } from '../api/index.ts';
import { virtualPorts } from './service-ports.ts';

const meta = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

function service(spec: Partial<corev1.ServiceSpec>, status: corev1.ServiceStatus = {}): corev1.Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta,
    spec: { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'], ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
    status,
  };
}

function slice(endpoints: readonly discoveryv1.Endpoint[]): discoveryv1.EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...meta, name: 'web-1' },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
  };
}

const endpoint = (ip: string, nodeName: string, conditions: discoveryv1.EndpointConditions = { ready: true }): discoveryv1.Endpoint => ({
  addresses: [ip],
  nodeName,
  conditions,
});
const two = [endpoint('10.244.1.2', 'a'), endpoint('10.244.2.2', 'b')];

/** One line a virtual port: address, endpoints, and what is special. */
function describePorts(given: corev1.Service, endpoints: readonly discoveryv1.Endpoint[] = two): string[] {
  return virtualPorts({ services: [given], slicesOf: () => [slice(endpoints)], nodeName: 'a' }).map(
    ({ ip, port, backends, whenEmpty, affinitySeconds, keepSource }) =>
      `${ip ?? 'node'}:${port} → ${backends.map((each) => each.ip).join(',') || whenEmpty}${affinitySeconds ? ` sticky ${affinitySeconds}` : ''}${keepSource ? ' keep' : ''}`,
  );
}

describe('virtual ports of a Service', () => {
  test.each<[string, corev1.Service, string[]]>([
    ['cluster IP', service({}), ['10.96.0.20:80 → 10.244.1.2,10.244.2.2']],
    ['headless', service({ clusterIP: 'None' }), []],
    ['ExternalName', service({ type: 'ExternalName' }), []],
    [
      'node port',
      service({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', 'node:30080 → 10.244.1.2,10.244.2.2'],
    ],
    [
      'node port with local policy',
      service({ externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, nodePort: 30080 }] }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', 'node:30080 → 10.244.1.2 keep'],
    ],
    ['internal local policy', service({ internalTrafficPolicy: 'Local' }), ['10.96.0.20:80 → 10.244.1.2']],
    ['affinity', service({ sessionAffinity: 'ClientIP' }), ['10.96.0.20:80 → 10.244.1.2,10.244.2.2 sticky 10800']],
    [
      'external addresses',
      service({ externalIPs: ['192.0.2.7'] }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', '192.0.2.7:80 → 10.244.1.2,10.244.2.2'],
    ],
    [
      'a load balancer that proxies by itself',
      service({}, { loadBalancer: { ingress: [{ ip: '192.0.2.8', ipMode: 'Proxy' }] } }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2'],
    ],
    ['a port that no slice has', service({ ports: [{ name: 'other', port: 81 }] }), ['10.96.0.20:81 → reject']],
  ])('%s', (_name, given, expected) => {
    expect(describePorts(given)).toEqual(expected);
  });

  test('endpoints that end are used only while none is ready', () => {
    const ending = endpoint('10.244.1.9', 'a', { ready: false, serving: true, terminating: true });
    expect(describePorts(service({}), [...two, ending])).toEqual(['10.96.0.20:80 → 10.244.1.2,10.244.2.2']);
    expect(describePorts(service({}), [ending])).toEqual(['10.96.0.20:80 → 10.244.1.9']);
    expect(describePorts(service({}), [endpoint('10.244.1.9', 'a', { ready: false })])).toEqual(['10.96.0.20:80 → reject']);
  });

  test('with a local policy and endpoints elsewhere only, packets are dropped, not refused', () => {
    expect(describePorts(service({ internalTrafficPolicy: 'Local' }), [two[1]!])).toEqual(['10.96.0.20:80 → drop']);
  });
});
