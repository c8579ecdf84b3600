import { expect, test } from 'vitest';
import { fileTokens, readTokenFile } from './token-file.ts';

test('a token file holds users and groups', () => {
  const users = readTokenFile('t1,jane,u1,"dev,ops"\n\nt2,joe,u2\r\nt3,kim,u3,dev\n,nobody,u4\nt2,bob,u5\n', 'f');
  expect(Object.fromEntries(users)).toEqual({
    t1: { name: 'jane', uid: 'u1', groups: ['dev', 'ops'] },
    t2: { name: 'bob', uid: 'u5', groups: [] },
    t3: { name: 'kim', uid: 'u3', groups: ['dev'] },
  });
});

test('a line that is too short is refused', () => {
  expect(() => readTokenFile('t,jane\n', '/etc/tokens')).toThrow(
    "token file '/etc/tokens' must have at least 3 columns (token, user name, user uid), found 2",
  );
});

test('its tokens are for the API server only', () => {
  const authenticate = fileTokens(readTokenFile('t1,jane,u1\n', 'f'), ['api', 'api2']);
  expect(authenticate('t1', ['api2', 'x'])).toMatchObject({ user: { name: 'jane' }, audiences: ['api2'] });
  expect(authenticate('t1', ['vault'])).toBeUndefined();
  expect(authenticate('t2', ['api'])).toBeUndefined();
});
