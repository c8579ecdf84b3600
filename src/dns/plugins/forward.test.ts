import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { seededRandom, silentLogger, systemClock, VirtualClock } from '../../base/index.ts';
import { type DnsServer, type DnsServerOptions, startDnsServer } from '../server/dns-server.ts';
import { ask, freePort } from '../testdata/ask.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function start(corefile: string, options: Partial<DnsServerOptions> = {}): Promise<DnsServer> {
  const common = { addresses: ['127.0.0.1'], port: 0, nodeResolvers: [], clock: systemClock, random: seededRandom(1), log: silentLogger };
  const server = await startDnsServer({ ...common, ...options, corefile });
  open.push(server);
  return server;
}

/** A resolver that knows one name. */
const resolver = (address: string, port = 0): Promise<DnsServer> => start(`.:53 {\n hosts {\n ${address} name.test\n }\n}`, { port });

/** Takes questions and answers none. */
async function deaf(): Promise<number> {
  const socket = createSocket('udp4');
  open.push(socket);
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket.address().port;
}

describe('forward', () => {
  test('a server that is down is passed over, and asked again once it answers probes', async () => {
    const [dead, second] = [await freePort(), await resolver('192.0.2.2')];
    const server = await start(`.:53 {
      forward . 127.0.0.1:${dead} 127.0.0.1:${second.port} {
        policy sequential
        max_fails 1
        health_check 20ms
      }
    }`);
    expect(await ask(server.port, 'name.test')).toEqual({ rcode: 'NOERROR', answers: ['A 192.0.2.2'] });
    await vi.waitFor(async () =>
      expect(await server.metrics.text()).toMatch(
        new RegExp(`^coredns_proxy_healthcheck_failures_total\\{proxy_name="forward",to="127.0.0.1:${dead}"\\} [1-9]`, 'm'),
      ),
    );
    await resolver('192.0.2.1', dead);
    await vi.waitFor(async () => expect((await ask(server.port, 'name.test'))?.answers).toEqual(['A 192.0.2.1']));
  });

  test('answers with the codes of `failover` let the next one be asked', async () => {
    const [empty, second] = [await start('.:53 {\n template IN A {\n rcode SERVFAIL\n }\n}'), await resolver('192.0.2.2')];
    const forward = `forward . 127.0.0.1:${empty.port} 127.0.0.1:${second.port}`;
    const patient = await start(`.:53 {\n ${forward} {\n policy sequential\n }\n}`);
    const ready = await start(`.:53 {\n ${forward} {\n policy sequential\n failover SERVFAIL\n }\n}`);
    expect((await ask(patient.port, 'name.test'))?.rcode).toBe('SERVFAIL');
    expect((await ask(ready.port, 'name.test'))?.answers).toEqual(['A 192.0.2.2']);
  });

  test('while all are down, names fail at once where the Corefile says so', async () => {
    const server = await start(`.:53 {
      forward . 127.0.0.1:${await freePort()} {
        max_fails 1
        health_check 20ms
        failfast_all_unhealthy_upstreams
      }
    }`);
    await vi.waitFor(async () => {
      expect((await ask(server.port, 'name.test'))?.rcode).toBe('SERVFAIL');
      expect(await server.metrics.text()).toMatch(/^coredns_forward_healthcheck_broken_total [1-9]/m);
    });
  });

  test('a server that says nothing is waited for, for so long and by so many', async () => {
    const clock = new VirtualClock();
    const server = await start(`.:53 {\n forward . 127.0.0.1:${await deaf()} {\n max_concurrent 2\n }\n}`, { clock });
    const waiting = ['a.test', 'b.test', 'a.test'].map((name) => ask(server.port, name));
    await vi.waitFor(() => expect(clock.timers).toBe(2));
    expect((await ask(server.port, 'c.test'))?.rcode).toBe('REFUSED');
    await clock.advance(5000);
    expect((await Promise.all(waiting)).map((told) => told?.rcode)).toEqual(['SERVFAIL', 'SERVFAIL', 'SERVFAIL']);
    expect(await server.metrics.text()).toContain('coredns_forward_max_concurrent_rejects_total 1');
  });

  test('a resolver that leads back here is found out, and no question goes round', async () => {
    const server = await start('.:53 {\n errors\n}');
    await server.configure(`.:53 {\n loop\n forward . 127.0.0.1:${server.port}\n}`);
    await vi.waitFor(async () => {
      const asked = performance.now();
      expect((await ask(server.port, 'name.test'))?.rcode).toBe('SERVFAIL');
      expect(performance.now() - asked).toBeLessThan(1000);
    });
  });
});

test('a port that is taken does not keep the others from being served, and is served when it is free', async () => {
  const clock = new VirtualClock();
  const port = await freePort();
  const other = createSocket('udp4');
  await new Promise<void>((resolve) => other.bind(port + 1, '127.0.0.1', resolve));
  const block = (zone: string, at: number): string => `${zone}:${at} {\n hosts {\n 192.0.2.${at} name.${zone}\n }\n}\n`;
  const server = await start(block('a', 53), { port, clock });
  await server.configure(block('a', 53) + block('b', 54));
  expect((await ask(port, 'name.a'))?.answers).toEqual(['A 192.0.2.53']);
  await new Promise<void>((resolve) => other.close(() => resolve()));
  await vi.waitFor(async () => {
    await clock.advance(2000);
    expect((await ask(port + 1, 'name.b', { limitMs: 200 }))?.answers).toEqual(['A 192.0.2.54']);
  });
});

test('what is answered is counted under the names that CoreDNS gives it', async () => {
  const server = await start('.:53 {\n hosts {\n 192.0.2.1 name.test\n }\n cache 30\n}');
  for (const name of ['name.test', 'name.test', 'nobody.test']) await ask(server.port, name);
  const text = await server.metrics.text();
  const labels = 'server="dns://:53",zone=".",view=""';
  for (const line of [
    `coredns_dns_requests_total{${labels},proto="udp",family="1",type="A"} 3`,
    `coredns_dns_responses_total{${labels},rcode="NOERROR"} 2`,
    `coredns_dns_request_duration_seconds_count{${labels}} 3`,
    'coredns_cache_hits_total{type="success"} 1',
    'coredns_cache_misses_total 2',
  ])
    expect(text).toContain(line);
});
