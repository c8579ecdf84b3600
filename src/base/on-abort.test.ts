import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { offAbort, onAbort } from './on-abort.ts';

describe('onAbort', () => {
  it('tells everybody, in the order in which they came', () => {
    const abort = new AbortController();
    const told: string[] = [];
    for (const name of ['a', 'b', 'c']) onAbort(abort.signal, () => told.push(name));
    abort.abort();
    expect(told).toEqual(['a', 'b', 'c']);
  });

  it('tells nobody who took it back, be it while others are told', () => {
    const abort = new AbortController();
    const told: string[] = [];
    const last = (): void => void told.push('last');
    const early = (): void => void told.push('early');
    onAbort(abort.signal, early);
    onAbort(abort.signal, () => offAbort(abort.signal, last));
    onAbort(abort.signal, last);
    offAbort(abort.signal, early);
    abort.abort();
    expect(told).toEqual([]);
  });

  it('puts one listener on a signal, and none when nobody is left', () => {
    const { signal } = new AbortController();
    const acts = Array.from({ length: 100 }, () => (): void => {});
    for (const act of acts) onAbort(signal, act);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const act of acts) offAbort(signal, act);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('tells again those who come after everybody went', () => {
    const abort = new AbortController();
    let told = 0;
    const act = (): void => void told++;
    onAbort(abort.signal, act);
    offAbort(abort.signal, act);
    onAbort(abort.signal, act);
    abort.abort();
    expect(told).toBe(1);
  });

  it('does not call for a signal that has aborted', () => {
    let told = 0;
    const act = (): void => void told++;
    const signal = AbortSignal.abort();
    onAbort(signal, act);
    offAbort(signal, act);
    expect(told).toBe(0);
  });
});
