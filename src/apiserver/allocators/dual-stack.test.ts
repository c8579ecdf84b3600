/** Which families and addresses Services get, in clusters of one family and of two: rows of (cluster, before, written) → stored. */
import { describe, expect, test } from 'vitest';
import { type corev1, type Draft, ipFamilyOf } from '../../api/index.ts';
import { seededRandom } from '../../base/index.ts';
import { NodePorts, parsePortRange } from './node-ports.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { ServiceAllocator } from './service-allocator.ts';
import { ServiceRepair } from './service-repair.ts';

type Service = Draft<corev1.Service>;
type Spec = { -readonly [Name in keyof corev1.ServiceSpec]?: unknown };

const v4 = '10.0.0.0/16';
const v6 = '2000::/108';
const clusters = { '4': [v4], '6': [v6], '46': [v4, v6], '64': [v6, v4] } as const;
type Cluster = keyof typeof clusters;

let uid = 0;
function service(spec: Spec): Service {
  const metadata = { name: 'a', namespace: 'ns', uid: `uid-${++uid}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const selector = spec.selector === undefined ? { a: 'b' } : (spec.selector as Record<string, string>);
  const address = (spec.clusterIPs as string[] | undefined)?.[0];
  // Rows name what the allocator reads.
  const full = { type: 'ClusterIP', ...(address && { clusterIP: address }), ...spec, selector } as Service['spec'];
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: structuredClone(full), status: {} };
}

function allocatorOf(cluster: Cluster): ServiceAllocator {
  const random = seededRandom(7);
  return new ServiceAllocator({
    addresses: new ServiceAddresses({ cidrs: clusters[cluster], random }),
    ports: new NodePorts({ range: parsePortRange('30000-30100'), random }),
  });
}

/** Policy, families and, for each address, its family or what it is. */
function told({ spec }: Service): string {
  const short = { SingleStack: 'single', PreferDualStack: 'prefer', RequireDualStack: 'require' } as const;
  const addresses = (spec.clusterIPs ?? []).map((one) => ipFamilyOf(one)?.slice(3) ?? one).join('');
  const policy = spec.ipFamilyPolicy ? short[spec.ipFamilyPolicy] : '-';
  return `${policy} ${(spec.ipFamilies ?? []).map((one) => one.slice(3)).join('') || '-'} ${addresses || '-'}`;
}

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message.replace('Service "a" is invalid: ', '');
  }
  return 'accepted';
}

const single = { ipFamilyPolicy: 'SingleStack' };
const prefer = { ipFamilyPolicy: 'PreferDualStack' };
const require = { ipFamilyPolicy: 'RequireDualStack' };
const none = { clusterIPs: ['None'] };
const bare = { clusterIPs: ['None'], selector: {} };

describe('a new Service', () => {
  test.each<[Cluster, Spec, string]>([
    ['4', {}, 'single 4 4'],
    ['6', {}, 'single 6 6'],
    ['46', {}, 'single 4 4'],
    ['64', {}, 'single 6 6'],
    ['46', single, 'single 4 4'],
    ['46', prefer, 'prefer 46 46'],
    ['46', require, 'require 46 46'],
    ['64', prefer, 'prefer 64 64'],
    ['64', require, 'require 64 64'],
    ['4', prefer, 'prefer 4 4'],
    ['6', prefer, 'prefer 6 6'],
    ['46', { ipFamilies: ['IPv6'] }, 'single 6 6'],
    ['64', { ipFamilies: ['IPv4'] }, 'single 4 4'],
    ['46', { ...prefer, ipFamilies: ['IPv6'] }, 'prefer 64 64'],
    ['46', { ...require, ipFamilies: ['IPv6', 'IPv4'] }, 'require 64 64'],
    ['46', { clusterIPs: ['10.0.0.7'] }, 'single 4 4'],
    ['46', { clusterIPs: ['2000::7'] }, 'single 6 6'],
    ['46', { ...prefer, clusterIPs: ['2000::7'] }, 'prefer 64 64'],
    ['46', { ...require, clusterIPs: ['10.0.0.7', '2000::7'] }, 'require 46 46'],
    ['46', { ...require, clusterIPs: ['2000::7', '10.0.0.7'] }, 'require 64 64'],
    ['46', none, 'single 4 None'],
    ['46', { ...none, ...prefer }, 'prefer 46 None'],
    ['46', { ...none, ipFamilies: ['IPv6'] }, 'single 6 None'],
    ['64', { ...none, ...require }, 'require 64 None'],
    ['4', bare, 'require 46 None'],
    ['6', bare, 'require 64 None'],
    ['4', { ...bare, ...single }, 'single 4 None'],
    ['4', { ...bare, ...prefer }, 'prefer 46 None'],
    ['4', { ...bare, ipFamilies: ['IPv6'] }, 'require 64 None'],
    ['4', { ...bare, ...single, ipFamilies: ['IPv6'] }, 'single 6 None'],
    ['46', { type: 'NodePort', ...prefer }, 'prefer 46 46'],
    ['46', { type: 'ExternalName', externalName: 'a.b' }, '- - -'],
  ])('in cluster %s, %j is %s', (cluster, spec, expected) => {
    const created = service(spec);
    allocatorOf(cluster).beginCreate(created, { dryRun: false });
    expect(told(created)).toBe(expected);
    expect(created.spec.clusterIP).toBe(created.spec.clusterIPs?.[0]);
  });

  const notHere = 'not configured on this cluster';
  const oneFamily = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  test.each<[Cluster, Spec, string]>([
    ['4', require, 'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'],
    ['4', { ipFamilies: ['IPv6'] }, `spec.ipFamilies[0]: Invalid value: "IPv6": ${notHere}`],
    ['6', { ipFamilies: ['IPv4'] }, `spec.ipFamilies[0]: Invalid value: "IPv4": ${notHere}`],
    ['6', { ...prefer, ipFamilies: ['IPv6', 'IPv4'] }, `spec.ipFamilies[1]: Invalid value: "IPv4": ${notHere}`],
    ['4', { clusterIPs: ['2000::7'] }, 'spec.clusterIPs[0]: Invalid value: ["2000::7"]: IPv6 is not configured on this cluster'],
    ['46', { ipFamilies: ['IPv4', 'IPv6'] }, `spec.ipFamilyPolicy: Invalid value: "SingleStack": ${oneFamily} IP families are specified`],
    [
      '46',
      { clusterIPs: ['10.0.0.7', '2000::7'] },
      `spec.ipFamilyPolicy: Invalid value: "SingleStack": ${oneFamily} cluster IPs are specified`,
    ],
    [
      '46',
      { ...prefer, clusterIPs: ['2000::7'], ipFamilies: ['IPv4'] },
      'spec.clusterIPs[0]: Invalid value: "2000::7": expected an IPv4 value as indicated by `ipFamilies[0]`',
    ],
    [
      '46',
      { ...prefer, clusterIPs: ['10.0.0.7', '10.0.0.8'] },
      'spec.clusterIPs: Invalid value: ["10.0.0.7","10.0.0.8"]: may specify no more than one IP for each IP family',
    ],
    [
      '46',
      { ...prefer, clusterIPs: ['2000::'] },
      'spec.clusterIPs: Invalid value: ["2000::",""]: failed to allocate IP 2000::: the provided IP (2000::) is not in the valid range. The range of valid IPs is 2000::/108',
    ],
    [
      '46',
      { ...prefer, clusterIPs: ['10.0.0.7', '3000::1'] },
      'spec.clusterIPs: Invalid value: ["10.0.0.7","3000::1"]: failed to allocate IP 3000::1: the provided network does not match the current range',
    ],
  ])('in cluster %s, %j is refused', (cluster, spec, expected) => {
    const allocator = allocatorOf(cluster);
    expect(faultOf(() => allocator.beginCreate(service(spec), { dryRun: false }))).toBe(expected);
    const again = service({ ...(cluster === '46' && prefer), ...(cluster === '6' ? {} : { clusterIPs: ['10.0.0.7'] }) });
    expect(faultOf(() => allocator.beginCreate(again, { dryRun: false }))).toBe('accepted');
  });
});

describe('a changed Service', () => {
  function change(
    cluster: Cluster,
    before: Spec,
    written: (spec: Service['spec']) => Spec,
  ): { stored: Service; old: Service; allocator: ServiceAllocator } {
    const allocator = allocatorOf(cluster);
    const old = service(before);
    allocator.beginCreate(old, { dryRun: false }).committed();
    const stored: Service = { ...old, spec: structuredClone(written(structuredClone(old.spec))) as Service['spec'] };
    stored.spec.clusterIP = stored.spec.clusterIPs?.[0] ?? '';
    const outcome = allocator.beginUpdate(stored, old, { dryRun: false });
    allocator.observe({ old, current: stored });
    outcome.committed();
    return { stored, old, allocator };
  }

  test.each<[string, Cluster, Spec, (spec: Service['spec']) => Spec, string, number]>([
    ['prefer adds a family', '46', {}, (spec) => ({ ...spec, ...prefer }), 'prefer 46 46', 2],
    ['require adds a family', '64', {}, (spec) => ({ ...spec, ...require }), 'require 64 64', 2],
    ['a family named', '46', {}, (spec) => ({ ...spec, ...require, ipFamilies: ['IPv4', 'IPv6'] }), 'require 46 46', 2],
    ['an address named', '46', {}, (spec) => ({ ...spec, ...prefer, clusterIPs: [spec.clusterIPs![0]!, '2000::9'] }), 'prefer 46 46', 2],
    ['prefer in a cluster of one', '4', {}, (spec) => ({ ...spec, ...prefer }), 'prefer 4 4', 1],
    ['single drops the second', '46', prefer, (spec) => ({ ...spec, ...single }), 'single 4 4', 1],
    ['single from require', '46', require, (spec) => ({ ...spec, ...single }), 'single 4 4', 1],
    [
      'single, one address written',
      '46',
      require,
      (spec) => ({ ...spec, ...single, clusterIPs: spec.clusterIPs!.slice(0, 1) }),
      'single 4 4',
      1,
    ],
    ['prefer to require', '46', prefer, (spec) => ({ ...spec, ...require }), 'require 46 46', 2],
    [
      'policy left out',
      '46',
      prefer,
      (spec) => Object.fromEntries(Object.entries(spec).filter(([field]) => field !== 'ipFamilyPolicy')),
      'prefer 46 46',
      2,
    ],
    ['headless, second family', '46', none, (spec) => ({ ...spec, ...prefer }), 'prefer 46 None', 0],
    ['headless to one', '46', { ...none, ...require }, (spec) => ({ ...spec, ...single }), 'single 4 None', 0],
    ['to ExternalName', '46', require, () => ({ type: 'ExternalName', externalName: 'a.b' }), '- - -', 0],
    ['from ExternalName', '46', { type: 'ExternalName', externalName: 'a.b' }, () => ({ type: 'ClusterIP', ...prefer }), 'prefer 46 46', 2],
  ])('%s in cluster %s', (_name, cluster, before, written, expected, held) => {
    const { stored, old, allocator } = change(cluster, before, written);
    expect(told(stored)).toBe(expected);
    expect(allocator.addresses.pool.used).toBe(held);
    if (held > 0 && old.spec.clusterIPs) expect(stored.spec.clusterIPs![0]).toBe(old.spec.clusterIPs[0]);
    expect(new ServiceRepair(allocator).run([stored])).toEqual([]);
  });

  const mustSay = (what: string): string =>
    `spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary ${what}`;
  test.each<[string, (spec: Service['spec']) => Spec, string]>([
    ['an address left out', (spec) => ({ ...spec, clusterIPs: spec.clusterIPs!.slice(0, 1) }), mustSay('cluster IP')],
    ['a family left out', (spec) => ({ ...spec, ipFamilies: ['IPv4'] }), mustSay('IP family')],
  ])('%s without saying so is refused', (_name, written, expected) => {
    expect(faultOf(() => change('46', require, written))).toBe(expected);
  });

  test('one that prefers two families keeps what it has when the cluster gets a second', () => {
    const old = service({ ...prefer, ipFamilies: ['IPv4'], clusterIPs: ['10.0.0.7'] });
    const same = structuredClone(old);
    allocatorOf('46').beginUpdate(same, old, { dryRun: false });
    expect(told(same)).toBe('prefer 4 4');
  });
});

test.each<[readonly string[], string]>([
  [[], '--service-cluster-ip-range must contain at least one valid cidr'],
  [['10.0.0.0/16', '10.1.0.0/16'], '--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family'],
  [[v4, v6, '10.1.0.0/16'], '--service-cluster-ip-range must not contain more than two entries'],
  [['2000::/63'], 'shortest allowed prefix length for service CIDR is 64, got 63'],
  [['nonsense'], 'service range "nonsense" is not a CIDR'],
])('ranges %j: %s', (cidrs, fault) => {
  expect(() => new ServiceAddresses({ cidrs, random: seededRandom(1) })).toThrow(fault);
});

test('a range of 2^64 addresses is used all over, from its upper part first, its last address too', () => {
  const addresses = new ServiceAddresses({ cidrs: ['fd00:1::/64'], random: seededRandom(3) });
  const operation = addresses.pool.begin({ dryRun: false });
  const given = Array.from({ length: 200 }, () => addresses.takeNext('IPv6', operation)!);
  expect(new Set(given).size).toBe(200);
  expect(new Set(given.map((one) => one.split(':')[4]?.[0])).size).toBeGreaterThan(8);
  expect(addresses.take('fd00:1::ffff:ffff:ffff:ffff', operation)).toBeUndefined();
  expect(addresses.take('fd00:1:0:0::1', operation)).toBeUndefined();
  expect(addresses.take('FD00:1::1', operation)).toBe('provided IP is already allocated');
});
