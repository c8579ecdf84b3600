import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import packet, { type Answer, type DecodedPacket, type Question } from 'dns-packet';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom, silentLogger, systemClock } from '../base/index.ts';
import type { CatalogDelta, ServiceEntry, SliceEntry } from './catalog/entries.ts';
import { type DnsServer, startDnsServer } from './server/dns-server.ts';

const service = (name: string, entry: Partial<ServiceEntry>): ServiceEntry => ({
  key: `shop/${name}`,
  namespace: 'shop',
  name,
  kind: 'clusterIp',
  ips: [],
  externalName: '',
  ports: [],
  ...entry,
});
const slice = (of: string, entry: Partial<SliceEntry>): SliceEntry => ({
  id: `shop/${of}-1`,
  service: `shop/${of}`,
  endpoints: [],
  ports: [],
  ...entry,
});
const nothing = { put: [], gone: [] };
const catalog: CatalogDelta = {
  reset: true,
  services: {
    put: [
      service('web', {
        ips: ['10.96.0.20', 'fd00::20'],
        ports: [
          { name: 'http', protocol: 'tcp', port: 80 },
          { name: 'dns', protocol: 'udp', port: 53 },
        ],
      }),
      service('db', { kind: 'headless', ports: [{ name: 'sql', protocol: 'tcp', port: 5432 }] }),
      service('many', { kind: 'headless' }),
      service('empty', { kind: 'headless' }),
      service('inside', { kind: 'externalName', externalName: 'web.shop.svc.cluster.local' }),
      service('outside', { kind: 'externalName', externalName: 'Example.com' }),
      service('address', { kind: 'externalName', externalName: '192.0.2.9' }),
    ],
    gone: [],
  },
  slices: {
    put: [
      slice('db', {
        ports: [{ name: 'sql', protocol: 'tcp', port: 5432 }],
        endpoints: [{ ips: ['10.244.1.5'], hostname: 'db-0' }, { ips: ['10.244.1.6'] }, { ips: ['fd00:1::6'] }],
      }),
      slice('many', { endpoints: Array.from({ length: 5000 }, (_, index) => ({ ips: [`10.${index >> 8}.${index & 255}.7`] })) }),
    ],
    gone: [],
  },
  namespaces: { put: [{ name: 'shop' }, { name: 'kube-system' }], gone: [] },
  pods: nothing,
};

let outside: DnsServer;
let server: DnsServer;
const common = { addresses: ['127.0.0.1'], port: 0, nodeResolvers: [], clock: systemClock, random: seededRandom(1), log: silentLogger };

beforeAll(async () => {
  // The world outside, played by the same server.
  outside = await startDnsServer({ ...common, corefile: 'com:53 {\n hosts {\n 192.0.2.1 example.com\n ttl 60\n }\n}\n' });
  server = await startDnsServer({
    ...common,
    corefile: `
      (outside) {
        forward . 127.0.0.1:${outside.port}
      }
      .:53 {
        errors
        kubernetes cluster.local in-addr.arpa ip6.arpa {
          pods insecure
          ttl 30
        }
        rewrite name regex (.*)\\.alias\\.example {1}.shop.svc.cluster.local answer auto
        hosts {
          198.51.100.7 written.test
          fallthrough
        }
        acl {
          block type TXT net 127.0.0.0/8
        }
        cache 30 {
          disable success cluster.local
          disable denial cluster.local
        }
        import outside
        loadbalance
      }
      made.test {
        template IN A {
          match ^(?P<last>\\d+)\\.made\\.test\\.$
          answer "{{ .Name }} 60 IN A 203.0.113.{{ .Group.last }}"
        }
      }
      dead.test {
        forward . 127.0.0.1:1
      }`,
  });
  server.apply(catalog);
});

afterAll(async () => {
  await Promise.all([server.close(), outside.close()]);
});

type Answered = DecodedPacket & { readonly rcode: string };

function send(message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.once('message', (bytes) => {
      socket.close();
      resolve(bytes);
    });
    socket.send(message, server.port, '127.0.0.1');
  });
}

async function ask(
  type: string,
  name: string,
  { edns, klass = 'IN' }: { readonly edns?: number; readonly klass?: string } = {},
): Promise<Answered> {
  const additionals =
    edns === undefined
      ? []
      : [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: edns,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          } as const,
        ];
  const question = { type, name, class: klass } as Question;
  return packet.decode(
    await send(
      packet.encode({
        type: 'query',
        id: 7,
        flags: packet.RECURSION_DESIRED,
        questions: [question],
        additionals: additionals as unknown as Answer[],
      }),
    ),
  ) as Answered;
}

const short = (records: readonly Answer[] = []): string[] =>
  records.map((record) => {
    const { data } = record as { data: unknown };
    return `${record.type} ${record.type === 'SRV' ? `${record.data.port} ${record.data.target}` : String(data)}`;
  });

describe('questions', () => {
  test.each<[string, string, string, string[]]>([
    ['A', 'web.shop.svc.cluster.local', 'NOERROR', ['A 10.96.0.20']],
    ['A', 'WEB.shop.svc.cluster.LOCAL', 'NOERROR', ['A 10.96.0.20']],
    ['AAAA', 'web.shop.svc.cluster.local', 'NOERROR', ['AAAA fd00::20']],
    ['MX', 'web.shop.svc.cluster.local', 'NOERROR', []],
    ['ANY', 'web.shop.svc.cluster.local', 'NOERROR', []],
    ['SRV', '_http._tcp.web.shop.svc.cluster.local', 'NOERROR', ['SRV 80 web.shop.svc.cluster.local']],
    ['SRV', 'web.shop.svc.cluster.local', 'NOERROR', ['SRV 80 web.shop.svc.cluster.local', 'SRV 53 web.shop.svc.cluster.local']],
    ['SRV', '_http._udp.web.shop.svc.cluster.local', 'NXDOMAIN', []],
    [
      'SRV',
      '_sql._tcp.db.shop.svc.cluster.local',
      'NOERROR',
      [
        'SRV 5432 db-0.db.shop.svc.cluster.local',
        'SRV 5432 10-244-1-6.db.shop.svc.cluster.local',
        'SRV 5432 fd00-1--6.db.shop.svc.cluster.local',
      ],
    ],
    ['A', 'db-0.db.shop.svc.cluster.local', 'NOERROR', ['A 10.244.1.5']],
    ['AAAA', 'fd00-1--6.db.shop.svc.cluster.local', 'NOERROR', ['AAAA fd00:1::6']],
    ['A', '10-244-1-5.db.shop.svc.cluster.local', 'NXDOMAIN', []],
    ['A', 'empty.shop.svc.cluster.local', 'NXDOMAIN', []],
    ['A', 'address.shop.svc.cluster.local', 'NXDOMAIN', []],
    ['PTR', '20.0.96.10.in-addr.arpa', 'NOERROR', ['PTR web.shop.svc.cluster.local']],
    ['PTR', '0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa', 'NOERROR', ['PTR web.shop.svc.cluster.local']],
    ['PTR', '5.1.244.10.in-addr.arpa', 'NOERROR', ['PTR db-0.db.shop.svc.cluster.local']],
    ['PTR', '99.0.96.10.in-addr.arpa', 'NXDOMAIN', []],
    ['A', '10-1-2-3.shop.pod.cluster.local', 'NOERROR', ['A 10.1.2.3']],
    ['A', '10-1-2-999.shop.pod.cluster.local', 'NXDOMAIN', []],
    ['A', '10-1-2-3.nowhere.pod.cluster.local', 'NXDOMAIN', []],
    ['A', 'shop.svc.cluster.local', 'NOERROR', []],
    ['A', '*.shop.svc.cluster.local', 'NXDOMAIN', []],
    ['A', 'nobody.shop.svc.cluster.local', 'NXDOMAIN', []],
    ['A', 'web.shop.svc.cluster.local.shop.svc.cluster.local', 'NXDOMAIN', []],
    ['CNAME', 'outside.shop.svc.cluster.local', 'NOERROR', ['CNAME example.com']],
    ['A', 'inside.shop.svc.cluster.local', 'NOERROR', ['CNAME web.shop.svc.cluster.local', 'A 10.96.0.20']],
    ['A', 'outside.shop.svc.cluster.local', 'NOERROR', ['CNAME example.com', 'A 192.0.2.1']],
    ['A', 'example.com', 'NOERROR', ['A 192.0.2.1']],
    ['A', 'nowhere.com', 'NXDOMAIN', []],
    ['A', 'written.test', 'NOERROR', ['A 198.51.100.7']],
    ['A', 'web.alias.example', 'NOERROR', ['A 10.96.0.20']],
    ['A', '9.made.test', 'NOERROR', ['A 203.0.113.9']],
    ['A', 'x.made.test', 'NXDOMAIN', []],
    ['TXT', 'dns-version.cluster.local', 'REFUSED', []],
    ['AXFR', 'cluster.local', 'REFUSED', []],
    ['A', 'name.dead.test', 'SERVFAIL', []],
  ])('%s %s', async (type, name, rcode, answers) => {
    const response = await ask(type, name);
    expect({ rcode: response.rcode, answers: short(response.answers) }).toEqual({ rcode, answers });
  });

  test('a name of another class is refused', async () => {
    expect((await ask('TXT', 'version.bind', { klass: 'CH' })).rcode).toBe('REFUSED');
  });

  test('answers repeat the capitals of the question, and are told under the name that was asked for', async () => {
    const { questions, answers } = await ask('A', 'WeB.AliaS.example');
    expect(questions?.[0]?.name).toBe('WeB.AliaS.example');
    expect(answers?.[0]?.name).toBe('WeB.AliaS.example');
  });

  test('the addresses of a headless Service come in turns', async () => {
    const all = new Set<string>();
    for (let i = 0; i < 4; i++) all.add(short((await ask('A', 'db.shop.svc.cluster.local')).answers).join());
    expect([...all].toSorted()).toEqual(['A 10.244.1.5,A 10.244.1.6', 'A 10.244.1.6,A 10.244.1.5']);
  });

  test('a negative answer carries the zone, so that it can be kept for a while', async () => {
    const { authorities } = await ask('A', 'nobody.shop.svc.cluster.local');
    expect(authorities).toMatchObject([
      { type: 'SOA', name: 'cluster.local', ttl: 30, data: { mname: 'ns.dns.cluster.local', minimum: 30 } },
    ]);
  });

  test('a change is told to the next who asks', async () => {
    const put = (ip: string): void =>
      server.apply({
        ...catalog,
        reset: false,
        services: { put: [service('moving', { ips: [ip], ports: [{ name: '', protocol: 'tcp', port: 1 }] })], gone: [] },
        slices: nothing,
      });
    for (const ip of ['10.96.1.1', '10.96.1.2']) {
      put(ip);
      expect(short((await ask('A', 'moving.shop.svc.cluster.local')).answers)).toEqual([`A ${ip}`]);
    }
    server.apply({ ...catalog, reset: false, services: { put: [], gone: ['shop/moving'] }, slices: nothing });
    expect((await ask('A', 'moving.shop.svc.cluster.local')).rcode).toBe('NXDOMAIN');
  });
});

test('what does not fit into a datagram says so and gives what fits; a connection gives more', async () => {
  const name = 'many.shop.svc.cluster.local';
  const [small, large] = [await ask('A', name), await ask('A', name, { edns: 4096 })];
  expect([small, large].map(({ flag_tc, answers }) => [flag_tc, answers!.length])).toEqual([
    [true, 29],
    [true, 73],
  ]);
  const query = packet.streamEncode({ type: 'query', id: 8, questions: [{ type: 'A', name }] });
  const ids = await new Promise<number[]>((resolve) => {
    let pending = Buffer.alloc(0);
    const seen: number[] = [];
    const socket = connect(server.port, '127.0.0.1', () => socket.write(Buffer.concat([query, query])));
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        seen.push(packet.decode(pending.subarray(2, 2 + pending.readUInt16BE(0))).answers!.length);
        pending = pending.subarray(2 + pending.readUInt16BE(0));
      }
      if (seen.length < 2) return;
      socket.destroy();
      resolve(seen);
    });
  });
  expect(ids).toEqual([4092, 4092]);
});

test('whatever bytes come, the server goes on', async () => {
  const socket = createSocket('udp4');
  const shoot = (bytes: Uint8Array): Promise<unknown> => new Promise((resolve) => socket.send(bytes, server.port, '127.0.0.1', resolve));
  const header = Buffer.from('000701000001000000000001', 'hex');
  for (const bytes of fc.sample(fc.uint8Array({ maxLength: 300 }), 200)) {
    await shoot(bytes);
    await shoot(Buffer.concat([header, bytes]));
  }
  socket.close();
  expect((await ask('A', 'web.shop.svc.cluster.local')).rcode).toBe('NOERROR');
});

test('a Corefile that cannot be used leaves the one before at work', async () => {
  await expect(server.configure('.:53 {\n  kubernetes cluster.local\n  nonsense\n}')).rejects.toThrow(
    "Corefile:3: plugin 'nonsense' is not supported",
  );
  expect((await ask('A', 'web.shop.svc.cluster.local')).rcode).toBe('NOERROR');
});
