import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import packet, { type Answer, type DecodedPacket, type Question } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { corev1, discoveryv1 } from '../api/index.ts';
import { systemClock } from '../base/index.ts';
import { type DnsServer, startDnsServer } from './server.ts';
import { buildZone } from './zone.ts';

const meta = (name: string) => ({ name, namespace: 'shop', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });
const service = (name: string, spec: corev1.ServiceSpec): corev1.Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta(name),
  spec,
  status: {},
});
const services = [
  service('web', { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
  service('db', { clusterIP: 'None' }),
  service('many', { clusterIP: 'None' }),
  service('inside', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
  service('outside', { type: 'ExternalName', externalName: 'Example.com' }),
];
const slices: Readonly<Record<string, discoveryv1.EndpointSlice>> = {
  db: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: meta('db-1'),
    addressType: 'IPv4',
    ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    endpoints: [
      { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.1.6'], conditions: { ready: true } },
      { addresses: ['10.244.1.7'], conditions: { ready: false } },
    ],
  },
  many: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: meta('many-1'),
    addressType: 'IPv4',
    endpoints: Array.from({ length: 90 }, (_, index) => ({ addresses: [`10.244.2.${index}`], conditions: { ready: true } })),
  },
};

let server: DnsServer;
let upstream: DnsServer;
const reverseZones = ['96.10.in-addr.arpa', '244.10.in-addr.arpa'];

beforeAll(async () => {
  const common = { address: '127.0.0.1', port: 0, clock: systemClock };
  // The world outside, played by the same server with a zone of its own.
  upstream = await startDnsServer({ ...common, domain: 'com', reverseZones: [], upstreams: [] });
  upstream.setZone(new Map([['example.com', { a: ['192.0.2.1'] }]]));
  server = await startDnsServer({
    ...common,
    domain: 'cluster.local',
    reverseZones,
    upstreams: ['127.0.0.1'],
    upstreamPort: upstream.port,
  });
  server.setZone(buildZone({ domain: 'cluster.local', services, slicesOf: (_namespace, name) => (slices[name] ? [slices[name]] : []) }));
});

afterAll(async () => {
  await Promise.all([server.close(), upstream.close()]);
});

type Answered = DecodedPacket & { readonly rcode?: string };

function ask(question: Question, options: { readonly edns?: boolean } = {}): Promise<Answered> {
  const socket = createSocket('udp4');
  const additionals: Answer[] = options.edns
    ? [{ type: 'OPT', name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }]
    : [];
  return new Promise((resolve) => {
    socket.on('message', (bytes) => {
      socket.close();
      resolve(packet.decode(bytes));
    });
    socket.send(
      packet.encode({ type: 'query', id: 7, flags: packet.RECURSION_DESIRED, questions: [question], additionals }),
      server.port,
      '127.0.0.1',
    );
  });
}

const short = (answers: readonly Answer[] = []): string[] =>
  answers.map((each) => {
    const { data } = each as { data: unknown };
    return `${each.type} ${each.type === 'SRV' ? `${each.data.port} ${each.data.target}` : each.type === 'TXT' ? String(data) : String(data)}`;
  });

describe('questions about the cluster', () => {
  test.each<[Question['type'], string, string, string[]]>([
    ['A', 'web.shop.svc.cluster.local', 'NOERROR', ['A 10.96.0.20']],
    ['A', 'WEB.shop.svc.cluster.LOCAL', 'NOERROR', ['A 10.96.0.20']],
    ['AAAA', 'web.shop.svc.cluster.local', 'NOERROR', []],
    ['SRV', '_http._tcp.web.shop.svc.cluster.local', 'NOERROR', ['SRV 80 web.shop.svc.cluster.local', 'A 10.96.0.20']],
    ['A', 'db-0.db.shop.svc.cluster.local', 'NOERROR', ['A 10.244.1.5']],
    ['A', '10-244-1-6.db.shop.svc.cluster.local', 'NOERROR', ['A 10.244.1.6']],
    ['PTR', '20.0.96.10.in-addr.arpa', 'NOERROR', ['PTR web.shop.svc.cluster.local']],
    ['PTR', '5.1.244.10.in-addr.arpa', 'NOERROR', ['PTR db-0.db.shop.svc.cluster.local']],
    ['PTR', '99.0.96.10.in-addr.arpa', 'NXDOMAIN', []],
    ['TXT', 'dns-version.cluster.local', 'NOERROR', ['TXT 1.1.0']],
    ['A', '10-1-2-3.shop.pod.cluster.local', 'NOERROR', ['A 10.1.2.3']],
    ['A', '10-1-2-999.shop.pod.cluster.local', 'NXDOMAIN', []],
    ['A', 'shop.svc.cluster.local', 'NOERROR', []],
    ['A', 'nobody.shop.svc.cluster.local', 'NXDOMAIN', []],
    ['A', 'inside.shop.svc.cluster.local', 'NOERROR', ['CNAME web.shop.svc.cluster.local', 'A 10.96.0.20']],
    ['A', 'outside.shop.svc.cluster.local', 'NOERROR', ['CNAME example.com', 'A 192.0.2.1']],
    ['A', 'example.com', 'NOERROR', ['A 192.0.2.1']],
    ['A', 'nowhere.com', 'NXDOMAIN', []],
  ])('%s %s', async (type, name, rcode, answers) => {
    const response = await ask({ type, name });
    expect({ rcode: response.rcode, answers: short(response.answers) }).toEqual({ rcode, answers });
  });

  test('a headless Service has the addresses of its ready endpoints, in turns', async () => {
    const first = short((await ask({ type: 'A', name: 'db.shop.svc.cluster.local' })).answers);
    const second = short((await ask({ type: 'A', name: 'db.shop.svc.cluster.local' })).answers);
    expect(first.toSorted()).toEqual(['A 10.244.1.5', 'A 10.244.1.6']);
    expect(second).toEqual(first.toReversed());
  });

  test('a negative answer carries the zone, so that it can be kept for a while', async () => {
    const { authorities } = await ask({ type: 'A', name: 'nobody.shop.svc.cluster.local' });
    expect(authorities?.map(({ type, name }) => `${type} ${name}`)).toEqual(['SOA cluster.local']);
  });
});

test('what does not fit into a datagram says so, and comes whole by TCP', async () => {
  const question: Question = { type: 'A', name: 'many.shop.svc.cluster.local' };
  const small = await ask(question, { edns: true });
  expect({ truncated: small.flag_tc, answers: small.answers }).toEqual({ truncated: true, answers: [] });
  const whole = await new Promise<DecodedPacket>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(server.port, '127.0.0.1', () =>
      socket.write(packet.streamEncode({ type: 'query', id: 8, questions: [question] })),
    );
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length < 2 + bytes.readUInt16BE(0)) return;
      socket.destroy();
      resolve(packet.decode(bytes.subarray(2)));
    });
  });
  expect(whole.answers).toHaveLength(90);
});

test('garbage is dropped and the server goes on', async () => {
  const socket = createSocket('udp4');
  for (const bytes of [Buffer.alloc(0), Buffer.from([1]), Buffer.alloc(12, 0xff), Buffer.alloc(600, 0xc0)]) {
    await new Promise((resolve) => socket.send(bytes, server.port, '127.0.0.1', resolve));
  }
  socket.close();
  expect((await ask({ type: 'A', name: 'web.shop.svc.cluster.local' })).rcode).toBe('NOERROR');
});
