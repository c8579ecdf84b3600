import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { subsetsOf, truncate } from './subsets.ts';

function pod(
  name: string,
  options: { ip?: string; ready?: boolean; ports?: number[]; deleting?: boolean; phase?: string } = {},
): corev1.Pod {
  const { ip = `10.0.0.${name}`, ready = true, ports = [8080], deleting, phase = 'Running' } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ns',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '',
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { containers: [{ name: 'c', ports: ports.map((containerPort, i) => ({ name: `p${i}`, containerPort })) }] },
    status: {
      phase: phase as 'Running',
      podIP: ip,
      podIPs: ip ? [{ ip }] : [],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

function service(spec: Partial<corev1.ServiceSpec> = {}): corev1.Service {
  const metadata = { name: 'web', namespace: 'ns', uid: 's', resourceVersion: '1', creationTimestamp: '' };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 80, targetPort: 'p0' }], ...spec },
    status: {},
  };
}

function check(name: string, options: { service?: Partial<corev1.ServiceSpec>; pods: corev1.Pod[] }, expected: string[]): void {
  it(name, () => {
    const lines = subsetsOf(service(options.service), options.pods).map(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
      const ips = (list: readonly corev1.EndpointAddress[]): string => list.map(({ ip }) => ip).join(' ');
      return `${ips(addresses)} | ${ips(notReadyAddresses)} | ${ports.map(({ name: own = '', port }) => `${own}:${port}`).join(' ')}`;
    });
    expect(lines).toEqual(expected);
  });
}

describe('subsets', () => {
  check('put addresses with the same ports together', { pods: [pod('2'), pod('1'), pod('3', { ready: false })] }, [
    '10.0.0.1 10.0.0.2 | 10.0.0.3 | :8080',
  ]);
  check('differ by what a named port means', { pods: [pod('1'), pod('2', { ports: [9090] })] }, [
    '10.0.0.1 |  | :8080',
    '10.0.0.2 |  | :9090',
  ]);
  check(
    'leave out pods without an address, ended or being deleted',
    { pods: [pod('1', { ip: '' }), pod('2', { phase: 'Failed' }), pod('3', { deleting: true })] },
    [],
  );
  check('leave out a pod without the port', { pods: [pod('1', { ports: [] })] }, []);
  check(
    'count everything as ready where asked',
    { service: { publishNotReadyAddresses: true }, pods: [pod('1', { ready: false, deleting: true })] },
    ['10.0.0.1 |  | :8080'],
  );
  check('of a headless Service may have no port', { service: { clusterIP: 'None', ports: [] }, pods: [pod('1')] }, ['10.0.0.1 |  | ']);
  check(
    'have all ports of an address',
    {
      service: {
        ports: [
          { name: 'a', port: 1, targetPort: 'p0' },
          { name: 'b', port: 2, targetPort: 7 },
        ],
      },
      pods: [pod('1')],
    },
    ['10.0.0.1 |  | a:8080 b:7'],
  );
});

describe('truncation', () => {
  const addresses = (count: number): corev1.EndpointAddress[] => Array.from({ length: count }, (_, i) => ({ ip: `ip-${i}` }));
  const sizes = (subsets: corev1.EndpointSubset[]): unknown => {
    const { subsets: cut, truncated } = truncate(subsets);
    return [truncated, ...cut.map((subset) => [subset.addresses?.length ?? 0, subset.notReadyAddresses?.length ?? 0])];
  };
  it('leaves a thousand alone', () =>
    expect(sizes([{ addresses: addresses(700), notReadyAddresses: addresses(300) }])).toEqual([false, [700, 300]]));
  it('drops what is not ready first', () =>
    expect(sizes([{ addresses: addresses(900), notReadyAddresses: addresses(300) }])).toEqual([true, [900, 100]]));
  it('shares the room in proportion', () =>
    expect(sizes([{ addresses: addresses(1500) }, { addresses: addresses(500) }])).toEqual([true, [750, 0], [250, 0]]));
});
