import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { formatLegacyTokenPlan, planLegacyTokens } from './legacy-token-plan.ts';

const now = '2026-06-30T12:00:00Z';
const tenDaysMs = 10 * 86_400_000;

interface Facts {
  readonly lastUsed?: string;
  readonly invalidSince?: string;
  readonly created?: string;
  readonly deleting?: boolean;
  readonly account?: string;
  readonly uid?: string;
}

function secret({
  lastUsed,
  invalidSince,
  created = '2026-01-01T00:00:00Z',
  deleting,
  account = 'robot',
  uid = 'u1',
}: Facts): corev1.Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: {
      name: 'robot-token',
      namespace: 'shop',
      creationTimestamp: created,
      ...(deleting && { deletionTimestamp: now }),
      annotations: { 'kubernetes.io/service-account.name': account, 'kubernetes.io/service-account.uid': uid },
      labels: {
        ...(lastUsed !== undefined && { 'kubernetes.io/legacy-token-last-used': lastUsed }),
        ...(invalidSince !== undefined && { 'kubernetes.io/legacy-token-invalid-since': invalidSince }),
      },
    },
  } as unknown as corev1.Secret;
}

const robot = {
  metadata: { name: 'robot', namespace: 'shop', uid: 'u1' },
  secrets: [{ name: 'robot-token' }],
} as unknown as corev1.ServiceAccount;

function check(
  name: string,
  facts: Facts,
  expected: string,
  { since = '2026-06-01', listed = true, inUse = false }: { since?: string | undefined; listed?: boolean; inUse?: boolean } = {},
): void {
  it(name, () => {
    const plan = planLegacyTokens({
      secrets: [secret(facts)],
      accountOf: (key) => (key.name === 'robot' ? { ...robot, ...(!listed && { secrets: [] }) } : undefined),
      isInUse: () => inUse,
      nowMs: Date.parse(now),
      cleanUpPeriodMs: tenDaysMs,
      trackedSince: since,
    });
    expect(formatLegacyTokenPlan(plan)).toBe(expected);
  });
}

describe('a token of old', () => {
  check('that was never used is marked', {}, 'invalidate robot-token');
  check('whose last use is long ago is marked', { lastUsed: '2026-06-19' }, 'invalidate robot-token');
  check('that was used on the first day that counts stays', { lastUsed: '2026-06-20' }, 'nothing');
  check('whose last use cannot be read stays', { lastUsed: 'yesterday' }, 'nothing');
  check('whose last use is no day of the calendar stays', { lastUsed: '2026-02-30' }, 'nothing');
  check('that was made lately stays', { created: '2026-06-20T12:00:00Z' }, 'nothing');
  check('that was made a second before counts', { created: '2026-06-20T11:59:59Z' }, 'invalidate robot-token');
  check('that is being deleted is left alone', { deleting: true }, 'nothing');
  check('of an account that is gone is left alone', { account: 'other' }, 'nothing');
  check('of an account that was made anew is left alone', { uid: 'u0' }, 'nothing');
  check('of any account of that name counts', { uid: '' }, 'invalidate robot-token');
  check('that somebody asked for stays', {}, 'nothing', { listed: false });
  check('that a pod names stays', {}, 'nothing', { inUse: true });
  check('that was marked lately stays marked', { invalidSince: '2026-06-20' }, 'nothing');
  check('that was marked long ago goes', { invalidSince: '2026-06-19' }, 'remove robot-token');
  check('whose mark cannot be read is marked again', { invalidSince: 'true' }, 'invalidate robot-token');
  check('that was used after it was marked stays', { invalidSince: '2026-06-01', lastUsed: '2026-06-25' }, 'nothing');
});

describe('nothing is given up', () => {
  check('while uses have been noted for less than the period and a day', {}, 'nothing', { since: '2026-06-20' });
  check('while nobody says since when uses are noted', {}, 'nothing', { since: '' });
  check('when the date of it cannot be read', {}, 'nothing', { since: '2026-6-1' });
});

describe('after the period and the rest of the first day', () => {
  check('unused ones are marked', {}, 'invalidate robot-token', { since: '2026-06-19' });
});
