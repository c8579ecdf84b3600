import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { detachedSignature, expirationMs, signingToken } from './bootstrap-tokens.ts';

const nowMs = Date.UTC(2026, 0, 1);

function token(
  data: Readonly<Record<string, string>>,
  name = 'bootstrap-token-abcdef',
  type = 'bootstrap.kubernetes.io/token',
): corev1.Secret {
  const all = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...data };
  const encoded = Object.fromEntries(Object.entries(all).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'kube-system', uid: 'u', resourceVersion: '1' },
    type,
    data: encoded,
  } as unknown as corev1.Secret;
}

test.each<[string, corev1.Secret, boolean]>([
  ['a whole token', token({}), true],
  ['one that ends later', token({ expiration: '2026-01-01T00:00:01Z' }), true],
  ['one that has ended', token({ expiration: '2026-01-01T00:00:00Z' }), false],
  ['one whose end cannot be read', token({ expiration: 'tomorrow' }), false],
  ['one for authentication only', token({ 'usage-bootstrap-signing': 'false' }), false],
  ['one without a secret', token({ 'token-secret': '' }), false],
  ['one under another name', token({}, 'bootstrap-token-zzzzzz'), false],
  ['a Secret of another type', token({}, 'bootstrap-token-abcdef', 'Opaque'), false],
])('%s signs: %#', (_, object, signs) => {
  expect(signingToken(object, nowMs)).toEqual(signs ? { id: 'abcdef', secret: '0123456789abcdef' } : undefined);
});

test('a token without an end stays for ever, one with a bad end is over', () => {
  expect(expirationMs(token({}))).toBeUndefined();
  expect(expirationMs(token({ expiration: 'never' }))).toBe(-Infinity);
});

test('the signature is a JWS without its content', () => {
  const [header, content, signature] = detachedSignature('hello', { id: 'abcdef', secret: 's' }).split('.');
  expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toEqual({ alg: 'HS256', kid: 'abcdef' });
  expect(content).toBe('');
  expect(signature).toBe(
    createHmac('sha256', 's')
      .update(`${header}.${Buffer.from('hello').toString('base64url')}`)
      .digest('base64url'),
  );
});
