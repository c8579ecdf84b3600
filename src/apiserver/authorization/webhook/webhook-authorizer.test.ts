import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../api/index.ts';
import { silentLogger, VirtualClock } from '../../../base/index.ts';
import { OutgoingError } from '../../outgoing/index.ts';
import { resourceAccess, type Verdict } from '../authorizer.ts';
import { WebhookAuthorizer, type WebhookPolicy } from './webhook-authorizer.ts';

const review = (status: JsonObject): JsonObject => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', status });

/** A webhook on a clock that the test turns. */
function webhook(post: (signal: AbortSignal) => Promise<JsonObject>, policy: Partial<WebhookPolicy> = {}) {
  const clock = new VirtualClock();
  const ended = new AbortController();
  let posted = 0;
  let closed = 0;
  const authorizer = new WebhookAuthorizer(
    { version: 'v1', authorizedMs: 300_000, unauthorizedMs: 30_000, onFailure: 'no-opinion', ...policy },
    {
      client: {
        post: (_review, signal) => {
          posted++;
          return post(signal);
        },
        close: () => closed++,
      },
      clock,
      log: silentLogger,
      signal: ended.signal,
    },
  );
  const ask = (name: string): Verdict | Promise<Verdict> =>
    authorizer.authorize({ name, groups: [] }, resourceAccess({ verb: 'get', resource: 'pods' }));
  return { authorizer, ask, clock, ended, posted: () => posted, closed: () => closed };
}

const never = (signal: AbortSignal): Promise<JsonObject> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

test('a verdict is at hand at once until it is too old, a refusal sooner than a permission', async () => {
  const { ask, clock, posted } = webhook(() => Promise.resolve(review({ allowed: posted() === 1 })));
  expect(await ask('jane')).toEqual({ decision: 'allow', reason: '' });
  expect(await ask('joe')).toEqual({ decision: 'no-opinion', reason: '' });
  expect([ask('jane'), ask('joe')]).toEqual([
    { decision: 'allow', reason: '' },
    { decision: 'no-opinion', reason: '' },
  ]);
  await clock.advance(30_000);
  expect(ask('jane')).toEqual({ decision: 'allow', reason: '' });
  expect(ask('joe')).toBeInstanceOf(Promise);
  await clock.advance(270_000);
  expect(ask('jane')).toBeInstanceOf(Promise);
});

describe('without an answer', () => {
  test.each(['no-opinion', 'deny'] as const)('the policy decides: %s', async (onFailure) => {
    const { ask } = webhook(() => Promise.reject(new OutgoingError('broken')), { onFailure });
    expect(await ask('jane')).toEqual({ decision: onFailure, reason: '', error: 'broken' });
  });

  test('a question is given up after a minute', async () => {
    const { ask, clock } = webhook(never);
    const asked = ask('jane');
    await clock.advance(60_000);
    expect(await asked).toMatchObject({ decision: 'no-opinion', error: 'the webhook did not answer: context deadline exceeded' });
    expect(clock.timers).toBe(0);
  });

  test('no more than so many questions wait', async () => {
    const { ask, posted, ended } = webhook(never, { onFailure: 'deny' });
    const waiting = Array.from({ length: 1_024 }, (_, i) => ask(`user ${i}`));
    expect(ask('one too many')).toMatchObject({ decision: 'deny', error: 'more than 1024 questions wait for the webhook' });
    expect(ask('user 0')).toBe(waiting[0]);
    expect(posted()).toBe(1_024);
    ended.abort();
    expect(await waiting[1_023]).toMatchObject({ decision: 'deny', error: 'the server is shutting down' });
  });
});

test('connections are given back when the last that waits has its answer', async () => {
  const { authorizer, ask, clock, closed } = webhook(never);
  const asked = ask('jane');
  authorizer.close();
  expect(closed()).toBe(0);
  await clock.advance(60_000);
  await asked;
  expect(closed()).toBe(1);
});
