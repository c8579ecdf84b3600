import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../base/index.ts';
import { Expectations } from './expectations.ts';

describe('expectations', () => {
  it('hold a key back until every creation was seen', () => {
    const expectations = new Expectations(new VirtualClock());
    expect(expectations.satisfied('a')).toBe(true);
    expectations.expectCreations('a', 2);
    expectations.creationObserved('a');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.creationObserved('a');
    expect(expectations.satisfied('a')).toBe(true);
  });

  it('count a deletion once, by uid', () => {
    const expectations = new Expectations(new VirtualClock());
    expectations.expectDeletions('a', ['u1', 'u2']);
    expectations.deletionObserved('a', 'u1');
    expectations.deletionObserved('a', 'u1');
    expectations.deletionObserved('a', 'other');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.deletionObserved('a', 'u2');
    expect(expectations.satisfied('a')).toBe(true);
  });

  it('wait a short while for a creation whose answer was lost', async () => {
    const clock = new VirtualClock();
    const expectations = new Expectations(clock);
    expectations.expectCreations('a', 1);
    expectations.creationUnsure('a');
    expect(expectations.satisfied('a')).toBe(false);
    await clock.advance(expectations.givenUpInMs('a'));
    expect(expectations.satisfied('a')).toBe(true);
  });

  it('are given up after five minutes, and forgotten on demand', async () => {
    const clock = new VirtualClock();
    const expectations = new Expectations(clock);
    expectations.expectCreations('a', 1);
    await clock.advance(300_000);
    expect(expectations.satisfied('a')).toBe(false);
    await clock.advance(1);
    expect(expectations.satisfied('a')).toBe(true);
    expectations.expectCreations('a', 1);
    expectations.forget('a');
    expect(expectations.satisfied('a')).toBe(true);
  });
});
