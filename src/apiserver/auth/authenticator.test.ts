import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { Authenticator, type AuthenticationOptions, bearerToken, type Credentials } from './authenticator.ts';
import { certificateUser, noCertificate, type Peer } from './client-certificate.ts';
import { forOwnAudiences, tokenUnion } from './token-authenticator.ts';
import { websocketToken } from './websocket-token.ts';

const known = { name: 'robot', groups: ['system:authenticated'] };
const invalid: Peer = { showedCertificate: true, user: undefined, frontProxy: undefined };

/** A request with these header lines, as `name: value`. */
function request(peer: Peer, ...lines: string[]): Credentials {
  const raw = lines.flatMap((line) => {
    const at = line.indexOf(': ');
    return [line.slice(0, at), line.slice(at + 2)];
  });
  const header = (name: string): string | undefined => {
    const values = raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name);
    return values.length > 0 ? values.join(', ') : undefined;
  };
  return { peer, header, headerLines: () => raw };
}

const withToken = (token: string, peer = noCertificate): Credentials => request(peer, `Authorization: ${token}`);

function withTokens(): { authenticator: Authenticator; clock: VirtualClock; asked: () => number; revoke: () => void } {
  const clock = new VirtualClock();
  let count = 0;
  let valid = true;
  const tokens = [
    forOwnAudiences(['api'], (token) => {
      count++;
      return valid && token === 'good' ? known : undefined;
    }),
  ];
  const authenticator = new Authenticator({ clock, tokens, audiences: ['api'] });
  return { authenticator, clock, asked: () => count, revoke: () => void (valid = false) };
}

describe('a bearer token', () => {
  test('is asked for once in ten seconds', async () => {
    const { authenticator, clock, asked, revoke } = withTokens();
    expect(authenticator.authenticate(withToken('Bearer good'), '/')).toBe(known);
    expect(authenticator.authenticate(withToken('bearer good'), '/')).toBe(known);
    expect(asked()).toBe(1);
    revoke();
    await clock.advance(10_001);
    expect(() => authenticator.authenticate(withToken('Bearer good'), '/')).toThrow('Unauthorized');
  });

  test('that is not valid is refused each time it comes', () => {
    const { authenticator, asked } = withTokens();
    for (let i = 0; i < 3; i++) expect(() => authenticator.authenticate(withToken('Bearer bad'), '/')).toThrow('Unauthorized');
    expect(asked()).toBe(3);
  });

  test('counts for a connection whose certificate does not', () => {
    const { authenticator } = withTokens();
    expect(authenticator.authenticate(withToken('Bearer good', invalid), '/')).toBe(known);
    expect(() => authenticator.authenticate(request(invalid), '/')).toThrow('Unauthorized');
  });

  test('that many ask about at once is looked up once', async () => {
    const gate = Promise.withResolvers<void>();
    let lookups = 0;
    const slow = async () => {
      lookups++;
      await gate.promise;
      return { user: known, audiences: ['api'] };
    };
    const authenticator = new Authenticator({ clock: new VirtualClock(), tokens: [slow] });
    const users = [1, 2, 3].map(async () => authenticator.authenticate(withToken('Bearer x'), '/'));
    gate.resolve();
    expect(await Promise.all(users)).toEqual([known, known, known]);
    expect(lookups).toBe(1);
  });

  test.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['Bearer abc more', 'abc'],
    ['Bearer  abc', undefined],
    ['Bearer ', undefined],
    ['Basic abc', undefined],
    [undefined, undefined],
  ])('is read from %j', (header, token) => expect(bearerToken(header)).toBe(token));
});

describe('a WebSocket', () => {
  const protocol = (token: string): string => `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;

  test('may carry its token among its protocols', () => {
    const lines = ['Upgrade: websocket', `Sec-WebSocket-Protocol: v5.channel.k8s.io, ${protocol('good')}`];
    expect(websocketToken(request(noCertificate, ...lines))).toBe('good');
    expect(withTokens().authenticator.authenticate(request(noCertificate, ...lines), '/')).toBe(known);
  });

  test.each([
    ['two tokens', ['Upgrade: websocket', `Sec-WebSocket-Protocol: x, ${protocol('a')}, ${protocol('b')}`]],
    ['no protocol to speak', ['Upgrade: websocket', `Sec-WebSocket-Protocol: ${protocol('a')}`]],
    ['no upgrade', [`Sec-WebSocket-Protocol: x, ${protocol('a')}`]],
    ['a broken token', ['Upgrade: websocket', 'Sec-WebSocket-Protocol: x, base64url.bearer.authorization.k8s.io.#!']],
  ])('with %s carries none', (_, lines) => expect(websocketToken(request(noCertificate, ...lines))).toBeUndefined());
});

describe('a union of tokens', () => {
  const failing = (failure: string) => () => ({ failure });
  const asking = (verdict: { failure: string } | undefined) => () => Promise.resolve(verdict);

  test('asks one after another until one knows it', async () => {
    const good = { user: known, audiences: ['a'] };
    expect(tokenUnion([failing('x'), () => undefined, () => good])('t', ['a'])).toBe(good);
    expect(await tokenUnion([asking(undefined), asking({ failure: 'x' }), () => good])('t', ['a'])).toBe(good);
  });

  test('tells why each refused', async () => {
    expect(tokenUnion([failing('x'), () => undefined])('t', ['a'])).toEqual({ failure: 'x' });
    expect(tokenUnion([failing('x'), failing('y'), failing('x')])('t', ['a'])).toEqual({ failure: '[x, y]' });
    expect(await tokenUnion([asking({ failure: 'x' }), failing('y')])('t', ['a'])).toEqual({ failure: '[x, y]' });
    expect(tokenUnion([() => undefined])('t', ['a'])).toBeUndefined();
  });
});

describe('without a credential', () => {
  const authenticate = (options: AuthenticationOptions, credentials = request(noCertificate), path = '/api'): unknown =>
    new Authenticator({ ...options, clock: new VirtualClock() }).authenticate(credentials, path);
  const anonymous = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

  test('a request is anonymous, if that is allowed', () => {
    expect(authenticate({})).toEqual(anonymous);
    expect(() => authenticate({ anonymous: () => false })).toThrow('Unauthorized');
    expect(authenticate({}, withToken('Basic eA=='))).toEqual(anonymous);
  });

  test('it may be allowed for some paths only', () => {
    const rule = { anonymous: (path: string) => path === '/livez' };
    expect(authenticate(rule, request(noCertificate), '/livez')).toEqual(anonymous);
    expect(() => authenticate(rule, request(noCertificate), '/api')).toThrow('Unauthorized');
  });
});

describe('a front proxy', () => {
  const proxy: Peer = { showedCertificate: true, user: { name: 'aggregator', groups: [] }, frontProxy: 'aggregator' };
  const frontProxy = {
    allowedNames: ['aggregator'],
    usernameHeaders: ['x-remote-user', 'x-user'],
    uidHeaders: ['x-remote-uid'],
    groupHeaders: ['x-remote-group'],
    extraPrefixes: ['x-remote-extra-'],
  };
  const userOf = (peer: Peer, ...lines: string[]): unknown =>
    new Authenticator({ frontProxy, clock: new VirtualClock() }).authenticate(request(peer, ...lines), '/');

  test('names a user, groups and more', () => {
    const lines = [
      'X-Remote-User: jane',
      'X-Remote-Group: a, b',
      'X-Remote-Group: c',
      'X-Remote-Uid: 7',
      'X-Remote-Extra-Acme.Com%2FTeam: x',
    ];
    expect(userOf(proxy, ...lines)).toEqual({
      name: 'jane',
      uid: '7',
      groups: ['a, b', 'c', 'system:authenticated'],
      extra: { 'acme.com/team': ['x'] },
    });
    expect(userOf(proxy, 'X-User: bob')).toMatchObject({ name: 'bob' });
  });

  test('that names nobody is itself', () => expect(userOf(proxy)).toMatchObject({ name: 'aggregator' }));

  test('is not believed under another name, nor is anybody else', () => {
    expect(userOf({ ...proxy, frontProxy: 'stranger' }, 'X-Remote-User: jane')).toMatchObject({ name: 'aggregator' });
    expect(userOf({ ...proxy, frontProxy: undefined }, 'X-Remote-User: jane')).toMatchObject({ name: 'aggregator' });
    expect(userOf(noCertificate, 'X-Remote-User: jane')).toMatchObject({ name: 'system:anonymous' });
    expect(() => userOf({ ...proxy, user: undefined }, 'X-Nothing: x')).toThrow('Unauthorized');
  });
});

test('a certificate names a user and groups', () => {
  const userOf = (subject: object): unknown => certificateUser({ subject: subject as never });
  expect(userOf({ CN: 'jane', O: ['a', 'b'] })).toEqual({ name: 'jane', groups: ['a', 'b', 'system:authenticated'] });
  expect(userOf({ CN: 'jane', O: 'a', '1.3.6.1.4.1.57683.2': 'u1' })).toEqual({
    name: 'jane',
    uid: 'u1',
    groups: ['a', 'system:authenticated'],
  });
  expect(userOf({ O: 'a' })).toBeUndefined();
  expect(certificateUser({ subject: { CN: 'jane' }, raw: Buffer.from('x') })?.extra).toEqual({
    'authentication.kubernetes.io/credential-id': ['X509SHA256=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'],
  });
});
