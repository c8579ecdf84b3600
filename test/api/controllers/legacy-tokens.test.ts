/** Tokens of old that nobody uses: marked by the controller, refused by the API server, and taken away. */
import { describe, expect, it } from 'vitest';
import { type corev1, corev1Resources, isApiError } from '../../../src/api/index.ts';
import { startWorld } from './world.ts';

const dayMs = 86_400_000;
const invalidSince = 'kubernetes.io/legacy-token-invalid-since';
const tracking = 'kube-apiserver-legacy-service-account-token-tracking';

describe('a token that was made for an account and is never used', () => {
  it('is marked after the period, and deleted after as long again, while one that was asked for stays', async () => {
    await using world = await startWorld({
      only: ['legacy-serviceaccount-token-cleaner-controller'],
      legacyTokens: { cleanUpPeriodMs: 2 * dayMs },
    });
    const { client, clock, signal } = world;
    const namespace = 'default';
    const since = new Date(clock.now()).toISOString().slice(0, 10);
    const configMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'kube-system', name: tracking },
      data: { since },
    } as const;
    await client.create(corev1Resources.configmaps, configMap, { signal });
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace, name: 'robot' },
      secrets: [{ name: 'made' }],
    } as const;
    const { metadata } = await client.create(corev1Resources.serviceaccounts, account, { signal });
    for (const name of ['made', 'asked-for']) {
      const annotations = { 'kubernetes.io/service-account.name': 'robot', 'kubernetes.io/service-account.uid': metadata.uid };
      const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token' } as const;
      await client.create(corev1Resources.secrets, { ...secret, metadata: { namespace, name, annotations } }, { signal });
    }
    const secretNamed = (name: string): Promise<corev1.Secret> => world.get(corev1Resources.secrets, name, namespace);
    await clock.advance(2 * dayMs);
    expect((await secretNamed('made')).metadata.labels?.[invalidSince]).toBeUndefined();
    for (let days = 0; days < 3; days++) await clock.advance(dayMs);
    expect((await secretNamed('made')).metadata.labels?.[invalidSince]).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect((await secretNamed('asked-for')).metadata.labels?.[invalidSince]).toBeUndefined();
    for (let days = 0; days < 4; days++) await clock.advance(dayMs);
    await expect(secretNamed('made')).rejects.toSatisfy((error) => isApiError(error, 'NotFound'));
    expect((await secretNamed('asked-for')).metadata.name).toBe('asked-for');
  });
});
