import { describe, expect, test } from 'vitest';
import type { corev1, Draft } from '../../api/index.ts';
import { seededRandom } from '../../base/index.ts';
import { NodePorts, parsePortRange } from './node-ports.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { ServiceAllocator } from './service-allocator.ts';
import { ServiceRepair } from './service-repair.ts';

type Service = Draft<corev1.Service>;
const commit = { dryRun: false };

function allocatorOf(options: { readonly cidr?: string; readonly ports?: string } = {}): ServiceAllocator {
  const random = seededRandom(1);
  return new ServiceAllocator({
    addresses: new ServiceAddresses({ cidrs: (options.cidr ?? '10.96.0.0/12').split(','), random }),
    ports: new NodePorts({ range: parsePortRange(options.ports ?? '30000-32767'), random }),
  });
}

let uid = 0;
function service(spec: Service['spec'], name = 'web'): Service {
  const metadata = { name, namespace: 'ns', uid: `uid-${++uid}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'ClusterIP', ...spec }, status: {} };
}

/** Creates a Service the whole way: taken, stored, seen. */
function store(allocator: ServiceAllocator, created: Service): Service {
  const outcome = allocator.beginCreate(created, commit);
  allocator.observe({ old: undefined, current: created });
  outcome.committed();
  return created;
}

function update(allocator: ServiceAllocator, old: Service, spec: Partial<Service['spec']>): Service {
  const changed: Service = { ...old, spec: { ...structuredClone(old.spec), ...spec } };
  const outcome = allocator.beginUpdate(changed, old, commit);
  allocator.observe({ old, current: changed });
  outcome.committed();
  return changed;
}

describe('cluster addresses', () => {
  test('a Service gets an address of the dynamic part, one family and the single-stack policy', () => {
    const { spec } = store(allocatorOf(), service({}));
    expect(spec.clusterIPs).toEqual([spec.clusterIP]);
    expect(spec.clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\./);
    expect(Number(spec.clusterIP!.split('.')[2]) * 256 + Number(spec.clusterIP!.split('.')[3])).toBeGreaterThan(256);
    expect(spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  });

  test('an address asked for by name is given once', () => {
    const allocator = allocatorOf();
    expect(store(allocator, service({ clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] })).spec.clusterIP).toBe('10.96.0.10');
    expect(() => allocator.beginCreate(service({ clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] }, 'other'), commit)).toThrow(
      'Service "other" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    );
  });

  test.each([
    ['192.168.0.1', 'the provided network does not match the current range'],
    ['10.96.0.0', 'the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/12'],
    ['10.111.255.255', 'the provided IP (10.111.255.255) is not in the valid range. The range of valid IPs is 10.96.0.0/12'],
  ])('%s cannot be had', (address, why) => {
    const asked = service({ clusterIP: address, clusterIPs: [address] });
    expect(() => allocatorOf().beginCreate(asked, commit)).toThrow(`failed to allocate IP ${address}: ${why}`);
  });

  test('what cannot be read is refused', () => {
    const asked = service({ clusterIP: '10.96.0.300', clusterIPs: ['10.96.0.300'] });
    expect(() => allocatorOf().beginCreate(asked, commit)).toThrow(
      'spec.clusterIPs[0]: Invalid value: "10.96.0.300": must be a valid IP address',
    );
  });

  test('headless and ExternalName Services take nothing', () => {
    const allocator = allocatorOf();
    const headless = store(allocator, service({ clusterIP: 'None', clusterIPs: ['None'], selector: { app: 'x' } }));
    expect(headless.spec).toMatchObject({ clusterIP: 'None', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    const bare = store(allocator, service({ clusterIP: 'None', clusterIPs: ['None'] }));
    expect(bare.spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' });
    const external = store(allocator, service({ type: 'ExternalName', externalName: 'example.com' }));
    expect(external.spec).toEqual({ type: 'ExternalName', externalName: 'example.com' });
    expect(allocator.addresses.pool.used).toBe(0);
  });

  test.each([
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    [{ ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [
      { clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] },
      'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster',
    ],
    [
      { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] },
      `spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified`,
    ],
  ] as const)('a cluster of IPv4 addresses refuses %j', (spec, message) => {
    expect(() => allocatorOf().beginCreate(service(spec as unknown as Service['spec']), commit)).toThrow(message);
  });

  test('a Service that prefers two families gets the one there is', () => {
    const { spec } = store(allocatorOf(), service({ ipFamilyPolicy: 'PreferDualStack' }));
    expect(spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' });
  });

  test('a full range says so, and a deleted Service makes room', () => {
    const allocator = allocatorOf({ cidr: '10.0.0.0/29' });
    const stored = Array.from({ length: 6 }, (_, i) => store(allocator, service({}, `s${i}`)));
    expect(new Set(stored.map(({ spec }) => spec.clusterIP)).size).toBe(6);
    expect(() => allocator.beginCreate(service({}), commit)).toThrow('failed to allocate a serviceIP: range is full');
    allocator.observe({ old: stored[2], current: undefined });
    expect(store(allocator, service({})).spec.clusterIP).toBe(stored[2]!.spec.clusterIP);
  });

  test('two writes under way at once never get the same address', () => {
    const allocator = allocatorOf({ cidr: '10.0.0.0/29' });
    const drafts = Array.from({ length: 6 }, (_, i) => service({}, `s${i}`));
    for (const draft of drafts) allocator.beginCreate(draft, commit);
    expect(new Set(drafts.map(({ spec }) => spec.clusterIP)).size).toBe(6);
  });

  test('a failed write and a dry run leave nothing behind', () => {
    const allocator = allocatorOf();
    const asked = (): Service =>
      service({ type: 'NodePort', clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ port: 80, nodePort: 30080 }] });
    allocator.beginCreate(asked(), { dryRun: true }).committed();
    allocator.beginCreate(asked(), commit).abandoned();
    store(allocator, asked());
    expect(() => allocator.beginCreate(asked(), { dryRun: true })).toThrow('provided IP is already allocated');
  });

  test('becoming ExternalName gives the address back, and becoming ClusterIP takes a new one', () => {
    const allocator = allocatorOf();
    const first = store(allocator, service({}));
    const { clusterIP: _, clusterIPs: __, ipFamilies: ___, ipFamilyPolicy: ____, ...bare } = first.spec;
    const external = update(allocator, { ...first, spec: first.spec }, {});
    const externalName: Service = { ...external, spec: { ...bare, type: 'ExternalName', externalName: 'example.com' } };
    allocator.beginUpdate(externalName, external, commit).committed();
    allocator.observe({ old: external, current: externalName });
    expect(allocator.addresses.pool.used).toBe(0);
    const back: Service = { ...externalName, spec: { type: 'ClusterIP' } };
    allocator.beginUpdate(back, externalName, commit).committed();
    expect(back.spec.clusterIP).toMatch(/^10\./);
  });
});

describe('node ports', () => {
  test('each port gets one of the dynamic part, and two protocols of one port share it', () => {
    const { spec } = store(
      allocatorOf(),
      service({
        type: 'NodePort',
        ports: [
          { name: 'a', port: 53, protocol: 'UDP' },
          { name: 'b', port: 53, protocol: 'TCP' },
          { name: 'c', port: 80 },
        ],
      }),
    );
    const [udp, tcp, web] = spec.ports!.map(({ nodePort }) => nodePort!);
    expect(udp).toBe(tcp);
    expect(web).not.toBe(tcp);
    expect(Math.min(udp!, web!)).toBeGreaterThanOrEqual(30_086);
  });

  test('a taken port and one outside the range are refused where they stand', () => {
    const allocator = allocatorOf();
    store(allocator, service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }));
    const again = service({ type: 'NodePort', ports: [{ port: 1 }, { port: 80, nodePort: 30_080 }] });
    expect(() => allocator.beginCreate(again, commit)).toThrow(
      'spec.ports[1].nodePort: Invalid value: 30080: provided port is already allocated',
    );
    const outside = service({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] });
    expect(() => allocator.beginCreate(outside, commit)).toThrow(
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    );
    expect(allocator.ports.pool.used).toBe(1);
  });

  test('an update keeps its own ports, takes what is new and gives back what is gone', () => {
    const allocator = allocatorOf();
    const old = store(
      allocator,
      service({
        type: 'NodePort',
        ports: [
          { port: 80, nodePort: 30_080 },
          { port: 81, nodePort: 30_081 },
        ],
      }),
    );
    const changed = update(allocator, old, { ports: [{ port: 80, nodePort: 30_080 }, { port: 82 }] });
    expect(changed.spec.ports![0]!.nodePort).toBe(30_080);
    expect(changed.spec.ports![1]!.nodePort).toBeGreaterThan(30_085);
    expect(allocator.ports.pool.isFree(30_081)).toBe(true);
    update(allocator, changed, { type: 'ClusterIP', ports: [{ port: 80 }] });
    expect(allocator.ports.pool.used).toBe(0);
  });

  test('a load balancer may do without node ports', () => {
    const { spec } = store(allocatorOf(), service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] }));
    expect(spec.ports![0]!.nodePort).toBeUndefined();
  });

  test('a load balancer with local traffic gets a health check port', () => {
    const allocator = allocatorOf();
    const { spec } = store(allocator, service({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }] }));
    expect(spec.healthCheckNodePort).toBeGreaterThan(30_000);
    expect(allocator.ports.pool.used).toBe(2);
    const asked = service({
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: spec.healthCheckNodePort!,
      ports: [{ port: 80 }],
    });
    expect(() => allocator.beginCreate(asked, commit)).toThrow(
      `failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: provided port is already allocated`,
    );
  });

  test.each(['', '30000', '30000-', '5-1', '0-10', '30000-70000'])('%j is no range of ports', (text) => {
    expect(() => parsePortRange(text)).toThrow(RangeError);
  });
});

describe('repair', () => {
  test('a hold without a Service behind it is freed by the second look', () => {
    const allocator = allocatorOf();
    allocator.beginCreate(service({ type: 'NodePort', ports: [{ port: 80 }] }), commit).committed();
    const repair = new ServiceRepair(allocator);
    repair.run([]);
    expect(allocator.addresses.pool.used).toBe(1);
    repair.run([]);
    expect([allocator.addresses.pool.used, allocator.ports.pool.used]).toEqual([0, 0]);
  });

  test('clashes and numbers outside the ranges are told', () => {
    const allocator = allocatorOf();
    const spec = { type: 'NodePort', clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [{ port: 80, nodePort: 30_000 }] } as const;
    const stored = [
      service(structuredClone(spec) as unknown as Service['spec'], 'a'),
      service(structuredClone(spec) as unknown as Service['spec'], 'b'),
      service({ clusterIP: '1.2.3.4', clusterIPs: ['1.2.3.4'] }, 'c'),
    ];
    for (const current of stored) allocator.observe({ old: undefined, current });
    expect(new ServiceRepair(allocator).run(stored).map(({ service: { metadata }, reason }) => `${metadata.name} ${reason}`)).toEqual([
      'b ClusterIPAlreadyAllocated',
      'b PortAlreadyAllocated',
      'c ClusterIPOutOfRange',
    ]);
  });
});
