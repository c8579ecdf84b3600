import { describe, expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { bootstrapUser } from './bootstrap-tokens.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const token = { id: 'abcdef', secret: '0123456789abcdef' };

function secretOf(data: Record<string, string | undefined> = {}, more: object = {}): corev1.Secret {
  const all = { 'token-id': token.id, 'token-secret': token.secret, 'usage-bootstrap-authentication': 'true', ...data };
  const encoded = Object.entries(all).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, Buffer.from(value).toString('base64')]],
  );
  return {
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(encoded) as Record<string, string>,
    ...more,
  } as corev1.Secret;
}

describe('a bootstrap token', () => {
  test('is a user of its own', () => {
    expect(bootstrapUser(secretOf(), token, nowMs)).toEqual({ name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'] });
    expect(bootstrapUser(secretOf({ 'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a' }), token, nowMs)?.groups).toEqual(
      ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b'],
    );
    expect(bootstrapUser(secretOf({ expiration: '2026-01-01T00:00:01Z' }), token, nowMs)).toBeDefined();
  });

  test.each<[string, corev1.Secret]>([
    ['with another secret', secretOf({ 'token-secret': 'x' })],
    ['without a secret', secretOf({ 'token-secret': undefined })],
    ['with another id', secretOf({ 'token-id': 'fedcba' })],
    ['of another type', secretOf({}, { type: 'Opaque' })],
    ['that is being deleted', secretOf({}, { metadata: { name: 'x', deletionTimestamp: '2026-01-01T00:00:00Z' } })],
    ['that has run out', secretOf({ expiration: '2025-12-31T23:59:59Z' })],
    ['with a time that is none', secretOf({ expiration: 'tomorrow' })],
    ['that is for signing only', secretOf({ 'usage-bootstrap-authentication': 'false' })],
    ['that is for nothing', secretOf({ 'usage-bootstrap-authentication': undefined })],
    ['with a group that is not for it', secretOf({ 'auth-extra-groups': 'system:masters' })],
    ['with an empty group', secretOf({ 'auth-extra-groups': 'system:bootstrappers:a,' })],
  ])('%s is nobody', (_, secret) => expect(bootstrapUser(secret, token, nowMs)).toBeUndefined());
});
