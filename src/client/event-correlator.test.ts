import { describe, expect, it } from 'vitest';
import { EventCorrelator, type NewEvent } from './event-correlator.ts';

let names = 0;

function eventOf(message: string, name = 'web'): NewEvent {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${names++}`, namespace: 'ns' },
    involvedObject: { kind: 'Pod', namespace: 'ns', name, uid: name },
    reason: 'Failed',
    message,
    type: 'Warning',
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'kubelet', host: 'n1' },
  };
}

describe('the correlator', () => {
  it('counts an equal event on the name and first time of the first', () => {
    const correlator = new EventCorrelator();
    const first = correlator.correlate(eventOf('a'), 0);
    const second = correlator.correlate({ ...eventOf('a'), firstTimestamp: '2026-01-01T00:01:00Z' }, 60_000);
    expect(first.type).toBe('create');
    expect(second).toMatchObject({ type: 'update', event: { count: 2, firstTimestamp: '2026-01-01T00:00:00Z' } });
    expect(second.type === 'update' && second.event.metadata.name).toBe(first.type === 'create' && first.event.metadata.name);
  });

  it('puts events together that differ only in their message, from the tenth on', () => {
    const correlator = new EventCorrelator();
    const results = Array.from({ length: 12 }, (_, i) => correlator.correlate(eventOf(`m${i}`), i));
    expect(results.slice(0, 9).every((result) => result.type === 'create' && result.event.message?.startsWith('m'))).toBe(true);
    expect(results[9]).toMatchObject({ type: 'create', event: { message: '(combined from similar events): m9', count: 1 } });
    expect(results[11]).toMatchObject({ type: 'update', event: { message: '(combined from similar events): m11', count: 3 } });
  });

  it('starts anew when the last similar event is older than ten minutes', () => {
    const correlator = new EventCorrelator();
    for (let i = 0; i < 9; i++) correlator.correlate(eventOf(`m${i}`), 0);
    expect(correlator.correlate(eventOf('late'), 600_001)).toMatchObject({ type: 'create', event: { message: 'late' } });
  });

  it('lets 25 events about an object pass, then one in five minutes, and does not mix objects', () => {
    const correlator = new EventCorrelator();
    const types = Array.from({ length: 26 }, () => correlator.correlate(eventOf('a'), 0).type);
    expect(types.filter((type) => type !== 'skip')).toHaveLength(25);
    expect(correlator.correlate(eventOf('a', 'other'), 0).type).toBe('create');
    expect(correlator.correlate(eventOf('a'), 299_000).type).toBe('skip');
    expect(correlator.correlate(eventOf('a'), 301_000).type).toBe('update');
  });
});
