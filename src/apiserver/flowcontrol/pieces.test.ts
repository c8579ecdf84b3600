import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { nominalLimits, shareOut, smoothedDemand } from './borrowing.ts';
import { RetryAfter } from './retry-after.ts';
import { SeatDemand } from './seat-demand.ts';
import { Dealer } from './shuffle-sharding.ts';

describe('dealing', () => {
  test('gives a flow the same hand each time, without a card twice', () => {
    const dealer = new Dealer(64, 6);
    const hand = dealer.deal('a/b');
    expect(hand).toEqual(new Dealer(64, 6).deal('a/b'));
    expect(new Set(hand).size).toBe(6);
    expect(hand.every((card) => card >= 0 && card < 64)).toBe(true);
  });

  test('uses every queue alike', () => {
    const dealer = new Dealer(16, 4);
    const used = Array.from({ length: 16 }, () => 0);
    for (let i = 0; i < 4_000; i++) for (const card of dealer.deal(`flow ${i}`)) used[card]!++;
    expect(Math.min(...used)).toBeGreaterThan(800);
    expect(Math.max(...used)).toBeLessThan(1_200);
  });

  test('can give out the whole deck', () => {
    expect(new Set(new Dealer(5, 5).deal('x'))).toEqual(new Set([0, 1, 2, 3, 4]));
  });
});

describe('seat demand', () => {
  test('is weighed by time', () => {
    const demand = new SeatDemand(0);
    demand.set(4, 0);
    demand.set(0, 500);
    expect(demand.next(1000)).toEqual({ average: 2, deviation: 2, highWatermark: 4 });
    expect(demand.next(2000)).toEqual({ average: 0, deviation: 0, highWatermark: 0 });
  });

  test('fades slowly', () => {
    const quiet = { average: 0, deviation: 0, highWatermark: 0 };
    expect(smoothedDemand(100, quiet)).toBeCloseTo(97.7);
    expect(smoothedDemand(1, { average: 5, deviation: 3, highWatermark: 6 })).toBe(6);
  });
});

describe('sharing out', () => {
  const limits = nominalLimits(
    [
      { name: 'a', shares: 50, lendablePercent: 50, borrowingLimitPercent: undefined },
      { name: 'b', shares: 50, lendablePercent: 0, borrowingLimitPercent: 10 },
    ],
    100,
  );

  test.each<[string, readonly [number, number], readonly [number, number]]>([
    ['everybody busy keeps what is his', [50, 50], [50, 50]],
    ['a lends to b as much as b may borrow', [0, 100], [45, 55]],
    ['b lends nothing', [100, 0], [50, 50]],
  ])('%s', (_, demand, current) => {
    const borrowers = ['a', 'b'].map((name, i) => ({ limits: limits.get(name)!, highWatermark: demand[i]!, smoothed: demand[i]! }));
    const shared = shareOut(borrowers).current;
    expect(shared[1]).toBe(current[1]);
    expect(shared[0]).toBeLessThanOrEqual(current[0]);
  });
});

test('a client is told to stay away longer while refusals go on', async () => {
  const clock = new VirtualClock(0);
  const retryAfter = new RetryAfter(clock);
  const refuse = (times: number): number => Math.max(...Array.from({ length: times }, () => retryAfter.afterRefusal()));
  expect(refuse(10)).toBe(1);
  await clock.advance(1_000);
  expect(refuse(10)).toBe(2);
});
