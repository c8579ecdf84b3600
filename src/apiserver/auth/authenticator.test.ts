import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { Authenticator, certificateUser } from './authenticator.ts';

const known = { name: 'robot', groups: [] };

function withTokens(): { authenticator: Authenticator; clock: VirtualClock; asked: () => number; revoke: () => void } {
  const clock = new VirtualClock();
  let count = 0;
  let valid = true;
  const verifyToken = (token: string) => {
    count++;
    return valid && token === 'good' ? known : undefined;
  };
  const authenticator = new Authenticator({ clock, verifyToken, anonymous: true });
  return { authenticator, clock, asked: () => count, revoke: () => void (valid = false) };
}

describe('a bearer token', () => {
  test('is asked for once in ten seconds', async () => {
    const { authenticator, clock, asked, revoke } = withTokens();
    expect(await authenticator.authenticate('none', 'Bearer good')).toBe(known);
    expect(authenticator.authenticate('none', 'bearer good')).toBe(known);
    expect(asked()).toBe(1);
    revoke();
    await clock.advance(10_001);
    await expect(authenticator.authenticate('none', 'Bearer good')).rejects.toMatchObject({ code: 401 });
  });

  test('that is not valid is refused each time it comes', async () => {
    const { authenticator, asked } = withTokens();
    for (let i = 0; i < 3; i++) await expect(authenticator.authenticate('none', 'Bearer bad')).rejects.toMatchObject({ code: 401 });
    expect(asked()).toBe(3);
  });

  test('counts for a connection whose certificate does not', async () => {
    const { authenticator } = withTokens();
    expect(await authenticator.authenticate('invalid', 'Bearer good')).toBe(known);
    expect(() => authenticator.authenticate('invalid', undefined)).toThrow('Unauthorized');
  });
});

test('without a credential a request is anonymous, if that is allowed', () => {
  const clock = new VirtualClock();
  expect(new Authenticator({ clock, anonymous: true }).authenticate('none', undefined)).toMatchObject({
    name: 'system:anonymous',
    groups: ['system:unauthenticated'],
  });
  expect(() => new Authenticator({ clock, anonymous: false }).authenticate('none', undefined)).toThrow('Unauthorized');
  expect(new Authenticator({ clock, anonymous: true }).authenticate('none', 'Basic eA==')).toMatchObject({ name: 'system:anonymous' });
});

test('a certificate names a user and groups', () => {
  const userOf = (subject: object): unknown => certificateUser({ subject: subject as never });
  expect(userOf({ CN: 'jane', O: ['a', 'b'] })).toEqual({ name: 'jane', groups: ['a', 'b', 'system:authenticated'] });
  expect(userOf({ CN: 'jane', O: 'a' })).toEqual({ name: 'jane', groups: ['a', 'system:authenticated'] });
  expect(userOf({ O: 'a' })).toBeUndefined();
});
