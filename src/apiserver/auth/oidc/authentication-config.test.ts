import { describe, expect, test } from 'vitest';
import { readAuthenticationConfig } from './authentication-config.ts';

const own = ['https://kubernetes.default.svc'];
const good = {
  issuer: { url: 'https://a.example', audiences: ['k'] },
  claimMappings: { username: { claim: 'sub', prefix: 'a:' } },
};
const issuer = (changes: object): object => ({ ...good, issuer: { ...good.issuer, ...changes } });
const mappings = (changes: object): object => ({ ...good, claimMappings: { ...good.claimMappings, ...changes } });

const read = (jwt: readonly unknown[], more: object = {}) =>
  readAuthenticationConfig(
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt, ...more }),
    own,
  );

describe('an authentication configuration', () => {
  test('is read as YAML', () => {
    const text = `
apiVersion: apiserver.config.k8s.io/v1beta1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: https://a.example/x
    discoveryURL: https://b.example/.well-known/openid-configuration
    audiences: [k, l]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - {claim: hd, requiredValue: acme}
  claimMappings:
    username: {claim: email, prefix: ""}
    groups: {claim: roles, prefix: "oidc:"}
    uid: {claim: sub}
anonymous: {enabled: true, conditions: [{path: /livez}]}
`;
    const { jwt, anonymous } = readAuthenticationConfig(text, own);
    expect(anonymous).toEqual({ enabled: true, paths: ['/livez'] });
    expect(jwt).toMatchObject([
      {
        issuerUrl: 'https://a.example/x',
        discoveryUrl: 'https://b.example/.well-known/openid-configuration',
        audiences: ['k', 'l'],
        username: { claim: 'email', prefix: '' },
        groups: { claim: 'roles', prefix: 'oidc:' },
        uidClaim: 'sub',
        requiredClaims: new Map([['hd', 'acme']]),
      },
    ]);
  });

  test('may name nobody', () => expect(read([])).toEqual({ jwt: [] }));

  test.each<[string, readonly unknown[], string]>([
    ['an issuer without URL', [issuer({ url: undefined })], 'jwt[0].issuer.url: Required value'],
    ['http', [issuer({ url: 'http://a' })], 'jwt[0].issuer.url: Invalid value: "http://a": URL scheme must be https'],
    ['a user in the URL', [issuer({ url: 'https://u:p@a' })], 'URL must not contain a username or password'],
    ['a query', [issuer({ url: 'https://a?x=1' })], 'URL must not contain a query'],
    ['a fragment', [issuer({ url: 'https://a#x' })], 'URL must not contain a fragment'],
    ['the cluster itself', [issuer({ url: own[0] })], 'URL must not overlap with disallowed issuers: [https://kubernetes.default.svc]'],
    ['a discovery URL that is the issuer', [issuer({ discoveryURL: 'https://a.example/' })], 'discoveryURL must be different from URL'],
    [
      'no audience',
      [issuer({ audiences: [] })],
      'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required',
    ],
    ['an empty audience', [issuer({ audiences: [''] })], 'jwt[0].issuer.audiences[0]: Required value'],
    [
      'audiences without a policy',
      [issuer({ audiences: ['a', 'b'] })],
      'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
    ],
    ['an odd policy', [issuer({ audienceMatchPolicy: 'All' })], 'audienceMatchPolicy must be empty or MatchAny for single audience'],
    [
      'an authority that is none',
      [issuer({ certificateAuthority: 'x' })],
      'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>"',
    ],
    ['an issuer twice', [good, good], 'jwt[1].issuer.url: Duplicate value: "https://a.example"'],
    ['no user name', [mappings({ username: {} })], 'jwt[0].claimMappings.username: Required value: claim or expression is required'],
    ['no prefix', [mappings({ username: { claim: 'sub' } })], 'jwt[0].claimMappings.username.prefix: Required value: prefix is required'],
    [
      'a claim and an expression',
      [mappings({ username: { claim: 'sub', prefix: '', expression: 'x' } })],
      `jwt[0].claimMappings.username: Invalid value: "": claim and expression can't both be set`,
    ],
    [
      'an expression for the user name',
      [mappings({ username: { expression: 'claims.sub' } })],
      'jwt[0].claimMappings.username.expression: Forbidden: CEL expressions are not supported',
    ],
    ['an expression for groups', [mappings({ groups: { expression: 'x' } })], 'jwt[0].claimMappings.groups.expression: Forbidden'],
    ['an expression for the uid', [mappings({ uid: { expression: 'x' } })], 'jwt[0].claimMappings.uid.expression: Forbidden'],
    [
      'extra values',
      [mappings({ extra: [{ key: 'a.example/x', valueExpression: 'x' }] })],
      'jwt[0].claimMappings.extra[0].valueExpression: Forbidden: CEL expressions are not supported',
    ],
    [
      'a rule by expression',
      [{ ...good, claimValidationRules: [{ expression: 'x' }] }],
      'jwt[0].claimValidationRules[0].expression: Forbidden: CEL expressions are not supported',
    ],
    ['a rule for nothing', [{ ...good, claimValidationRules: [{}] }], 'jwt[0].claimValidationRules[0]: Required value'],
    [
      'a rule twice',
      [{ ...good, claimValidationRules: [{ claim: 'a' }, { claim: 'a' }] }],
      'jwt[0].claimValidationRules[1].claim: Duplicate value: "a"',
    ],
    [
      'a rule for users',
      [{ ...good, userValidationRules: [{ expression: 'x' }] }],
      'jwt[0].userValidationRules[0].expression: Forbidden: CEL expressions are not supported',
    ],
    ['fields that there are not', [{ ...good, nonsense: 1 }], 'strict decoding error: unknown field "jwt[0].nonsense"'],
    ['other types', [issuer({ audiences: 'k' })], 'jwt[0].issuer.audiences: Invalid value: "k": must be a list'],
    ['no object', ['x'], 'jwt[0]: Invalid value: "x": must be an object'],
    ['too many', Array.from({ length: 65 }, () => good), 'jwt: Too many: 65: must have at most 64 items'],
  ])('with %s is refused', (_, jwt, message) => expect(() => read(jwt)).toThrow(message));

  test('with conditions for nobody is refused', () => {
    const anonymous = { enabled: false, conditions: [{ path: '/' }] };
    expect(() => read([], { anonymous })).toThrow('anonymous.conditions: Invalid value: enabled should be set to true');
  });

  test.each([
    ['', 'no AuthenticationConfiguration'],
    ['x: [', 'yaml'],
    ['[]', 'no AuthenticationConfiguration of'],
    ['{"apiVersion":"v1","kind":"AuthenticationConfiguration"}', 'no AuthenticationConfiguration of'],
    ['{"kind":"Pod"}', 'no AuthenticationConfiguration of'],
  ])('%j is none', (text, message) => {
    expect(() => readAuthenticationConfig(text, own)).toThrow(message);
  });
});
