import { expect, test } from 'vitest';
import { dnsEndpoints, type DnsNode, dnsService } from './cluster-dns-service.ts';

const dns = { serviceIp: '10.96.0.10', port: 10_053, domain: 'cluster.local' };
const node = (name: string, serves: boolean, ...ips: string[]): DnsNode => ({ name, ips, serves });

/** `family: node address readiness →hint` of each endpoint. */
const printed = (...nodes: DnsNode[]): string[] =>
  dnsEndpoints(dns, nodes).flatMap(({ metadata, addressType, endpoints }) =>
    endpoints.map(({ nodeName, addresses, conditions, hints }) => {
      const hint = hints?.forNodes?.map(({ name }) => name).join() ?? '';
      return `${metadata.name} ${addressType}: ${nodeName} ${addresses.join()} ${conditions?.ready ? 'ready' : 'down'}${hint && ` →${hint}`}`;
    }),
  );

test('each node is hinted its own DNS', () => {
  expect(printed(node('b', true, '192.0.2.2'), node('a', true, '192.0.2.1'))).toEqual([
    'kube-dns IPv4: a 192.0.2.1 ready →a',
    'kube-dns IPv4: b 192.0.2.2 ready →b',
  ]);
});

test('a node whose DNS does not answer is led to the others', () => {
  expect(printed(node('a', false, '192.0.2.1'), node('b', true, '192.0.2.2'))).toEqual([
    'kube-dns IPv4: a 192.0.2.1 down',
    'kube-dns IPv4: b 192.0.2.2 ready →b',
  ]);
});

test('when none seems to answer, all are given: the one who asks may be cut off', () => {
  expect(printed(node('a', false, '192.0.2.1'), node('b', false, '192.0.2.2'))).toEqual([
    'kube-dns IPv4: a 192.0.2.1 ready →a',
    'kube-dns IPv4: b 192.0.2.2 ready →b',
  ]);
});

test('nodes with two families have a slice of each', () => {
  expect(printed(node('a', true, '192.0.2.1', 'fd00::1'), node('b', true, '192.0.2.2'))).toEqual([
    'kube-dns IPv4: a 192.0.2.1 ready →a',
    'kube-dns IPv4: b 192.0.2.2 ready →b',
    'kube-dns-ipv6 IPv6: a fd00::1 ready →a',
  ]);
});

test('slices lead to where agents listen, the Service to where clients ask', () => {
  const numbers = (ports: readonly { readonly name?: string; readonly protocol?: string; readonly port?: number }[] = []): string[] =>
    ports.map(({ name, protocol, port }) => `${name} ${protocol} ${port}`);
  expect(numbers(dnsService(dns).spec.ports)).toEqual(['dns UDP 53', 'dns-tcp TCP 53', 'metrics TCP 9153']);
  expect(numbers(dnsEndpoints(dns, [])[0]!.ports)).toEqual(['dns UDP 10053', 'dns-tcp TCP 10053', 'metrics TCP 19153']);
});
