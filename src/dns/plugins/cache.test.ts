import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { readCorefile } from '../corefile/config.ts';
import { rcodes, typeNumbers } from '../wire/codes.ts';
import { Outcome } from '../wire/message.ts';
import { addressRecord, soaRecord } from '../wire/records.ts';
import { type CacheKind, cachePlugin } from './cache.ts';
import type { Answered, Request } from './plugin.ts';

const soa = (minimum: number): Outcome['authorities'][number] =>
  soaRecord({ zone: 'test', ttl: 900, nameServer: 'ns.test', mailbox: 'x.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum });
const found = (ttl: number): Outcome => new Outcome({ rcode: rcodes.NOERROR, answers: [addressRecord('name.test', '192.0.2.1', ttl)!] });
const absent = new Outcome({ rcode: rcodes.NXDOMAIN, authorities: [soa(20)] });
const failed = new Outcome({ rcode: rcodes.SERVFAIL });

/** A cache in front of somebody who says what it is told to. */
function scene(directive: string) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const note =
    (text: string) =>
    (kind = ''): void => {
      events.push(`${text}${kind && ` ${kind}`}`);
    };
  const cache = cachePlugin({
    config: readCorefile(`.:53 {\n ${directive}\n}`).blocks[0]!.cache!,
    clock,
    events: {
      hit: note('hit'),
      missed: note('missed'),
      prefetched: note('prefetched'),
      servedStale: note('stale'),
      evicted: note('evicted'),
    },
  });
  const source = { says: found(100) as Answered, asked: 0 };
  const handler = cache.plugin(() => {
    source.asked++;
    return source.says;
  });
  const ask = (name = 'name.test'): string => {
    const query = { edns: undefined, checkingDisabled: false, recursionDesired: true, name };
    const answered = handler({ query, name, type: typeNumbers.A, client: undefined, depth: 0 } as unknown as Request) as Outcome;
    return `${answered.rcode} ${answered.ttl ?? 'own'}`;
  };
  const entries = (kind: CacheKind): number => cache.entries(kind);
  return { clock, events, entries, source, ask };
}

describe('lifetimes', () => {
  test.each<[string, string, Answered, number]>([
    ['what is found, as long as its records allow', 'cache 300', found(100), 100],
    ['and no longer than the Corefile lets it', 'cache 30', found(100), 30],
    ['but for as long as the Corefile says at least', 'cache 300 {\n success 1024 300 60\n }', found(5), 60],
    ['what is not there, as its zone says', 'cache 300', absent, 20],
    ['and no longer than the Corefile lets it', 'cache {\n denial 1024 10\n }', absent, 10],
    ['failures, for seconds', 'cache 300', failed, 5],
    ['failures, as the Corefile says', 'cache 300 {\n servfail 1s\n }', failed, 1],
    ['what is not there by no authority, not at all', 'cache 300', new Outcome({ rcode: rcodes.NXDOMAIN }), 0],
    ['what nobody may keep, not at all', 'cache 300', found(0), 5],
    ['nothing of a zone for which it is turned off', 'cache 300 {\n disable success test\n }', found(100), 0],
    ['names of other zones', 'cache 300 other', found(100), 0],
  ])('%s: %j', async (_case, directive, says, seconds) => {
    const { clock, source, ask } = scene(directive);
    source.says = says;
    ask();
    let kept = 0;
    while (kept < 400) {
      await clock.advance(1000);
      ask();
      if (source.asked > 1) break;
      kept++;
    }
    expect(seconds === 0 ? kept : kept + 1).toBe(seconds);
  });

  test('an answer that is kept tells what is left of its life', async () => {
    const { clock, ask } = scene('cache 300');
    expect(ask()).toBe('0 own');
    await clock.advance(40_500);
    expect(ask()).toBe('0 59');
  });
});

test('a failure does not take the place of what may still be told when that is out of date', async () => {
  const { clock, events, source, ask } = scene('cache 300 {\n serve_stale 1h\n }');
  ask();
  source.says = failed;
  await clock.advance(200_000);
  expect(ask()).toBe('0 0');
  expect(ask()).toBe('0 0');
  await clock.advance(0);
  source.says = found(100);
  ask();
  await clock.advance(0);
  expect(ask()).toBe('0 100');
  expect(events).toEqual(['missed', 'stale', 'stale', 'stale', 'hit success']);
  await clock.advance(4_000_000);
  source.says = failed;
  expect(ask()).toBe('2 own');
});

test('what is asked for often is asked for anew before its time is up', async () => {
  const { clock, events, source, ask } = scene('cache 300 {\n prefetch 3 60s 10%\n }');
  for (let i = 0; i < 4; i++) ask();
  await clock.advance(95_000);
  ask();
  expect(source.asked).toBe(1);
  for (let i = 0; i < 3; i++) ask();
  await clock.advance(10_000);
  expect(ask()).toBe('0 90');
  expect(source.asked).toBe(2);
  expect(events.filter((event) => event === 'prefetched')).toHaveLength(1);
});

test('a side that is full lets its oldest go', () => {
  const { events, entries, source, ask } = scene('cache 300 {\n success 1024\n }');
  for (let i = 0; i <= 1024; i++) ask(`n${i}.test`);
  expect(entries('success')).toBe(1024);
  expect(events.at(-1)).toBe('evicted success');
  ask('n1024.test');
  expect(source.asked).toBe(1025);
  ask('n0.test');
  expect(source.asked).toBe(1026);
});
