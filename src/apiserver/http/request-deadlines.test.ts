import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { parseRequestInfo } from '../routing/request-info.ts';
import { RequestDeadlines } from './request-deadlines.ts';

const never = (): Promise<string> => new Promise(() => {});

describe('a request', () => {
  const limitOf = (request: string): number | undefined => {
    const [method = '', target = ''] = request.split(' ');
    return new RequestDeadlines(new VirtualClock(), 60_000).limitOf(parseRequestInfo(method, target));
  };
  test.each([
    ['GET /api/v1/pods', 60_000],
    ['GET /api/v1/pods?timeout=5s', 5_000],
    ['GET /api/v1/pods?timeout=0', 60_000],
    ['GET /api/v1/pods?timeout=-5s', 60_000],
    ['GET /api/v1/pods?timeout=5m', 60_000],
    ['GET /healthz?timeout=250ms', 250],
    ['GET /api/v1/pods?watch=true&timeout=5s', undefined],
    ['GET /api/v1/namespaces/x/pods/p/log?timeout=nonsense', undefined],
    ['POST /api/v1/namespaces/x/pods/p/exec', undefined],
  ])('%s may take %s ms', (request, limitMs) => expect(limitOf(request)).toBe(limitMs));

  test('whose own limit is none is refused', () => {
    expect(() => limitOf('GET /api/v1/pods?timeout=soon')).toThrow(
      'invalid timeout specified in the request URL - time: invalid duration "soon"',
    );
  });
});

test('work is waited for until its time is over', async () => {
  const clock = new VirtualClock();
  const deadlines = new RequestDeadlines(clock, 60_000);
  const slow = deadlines.inTime(never(), 60_000).catch((error: unknown) => error);
  const quick = deadlines.inTime(never(), 1_000).catch((error: unknown) => error);
  expect(await deadlines.inTime(Promise.resolve('done'), 1_000)).toBe('done');
  await expect(deadlines.inTime(Promise.reject(new Error('broken')), 1_000)).rejects.toThrow('broken');
  await clock.advance(1_250);
  expect(await quick).toMatchObject({
    code: 504,
    reason: 'Timeout',
    message: 'Timeout: request did not complete within the allotted timeout',
  });
  await clock.advance(60_000);
  expect(await slow).toMatchObject({ code: 504 });
  await clock.advance(1_000);
  expect(clock.timers).toBe(0);
});

test('what ended in time is not told', async () => {
  const clock = new VirtualClock();
  const deadlines = new RequestDeadlines(clock, 60_000);
  const told: string[] = [];
  deadlines.guard(1_000, () => told.push('ended'))();
  deadlines.guard(1_000, () => told.push('late'));
  await clock.advance(2_000);
  expect(told).toEqual(['late']);
});

test('a body that does not come in time is given up', async () => {
  const clock = new VirtualClock();
  const deadlines = new RequestDeadlines(clock, 60_000);
  const failed: string[] = [];
  deadlines.awaitBody(({ message }) => failed.push(message));
  const quick = deadlines.awaitBody(() => failed.push('quick'));
  await clock.advance(30_000);
  deadlines.awaitBody(() => failed.push('later'));
  quick();
  await clock.advance(31_000);
  expect(failed).toEqual(['Timeout: the body of the request did not come in time']);
  await clock.advance(30_000);
  expect(failed).toHaveLength(2);
  expect(clock.timers).toBe(0);
});
