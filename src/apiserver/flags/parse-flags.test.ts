import { describe, expect, test } from 'vitest';
import { parseFlags } from './parse-flags.ts';
import { splitList } from '../../api/flags/index.ts';

const faultsOf = (name: string, ...values: string[]): readonly string[] => parseFlags({ [name]: values }).faults;
const valueOf = (name: string, ...values: string[]): unknown => (parseFlags({ [name]: values }).values as Record<string, unknown>)[name];

test('a flag that there is not is refused by its name', () => {
  expect(faultsOf('no-such-flag', 'x')).toEqual(['unknown flag: --no-such-flag']);
  expect(faultsOf('__proto__', 'x')).toEqual(['unknown flag: --__proto__']);
  expect(faultsOf('constructor', 'x')).toEqual(['unknown flag: --constructor']);
});

test('what the cluster sets itself is refused, saying so', () => {
  expect(faultsOf('secure-port', '6443')).toEqual(['--secure-port cannot be given: the cluster sets it itself']);
});

test('every fault is told', () => {
  const { faults } = parseFlags({ 'anonymous-auth': ['yes'], 'event-ttl': ['1'], nonsense: ['1'] });
  expect(faults).toHaveLength(3);
});

describe('a boolean', () => {
  test.each([
    ['true', true],
    ['T', true],
    ['1', true],
    ['False', false],
    ['0', false],
  ])('%s is %s', (text, value) => expect(valueOf('anonymous-auth', text)).toBe(value));

  test.each(['yes', '', 'tRUE', 'on'])('%j is none', (text) => {
    const why = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
    expect(faultsOf('anonymous-auth', text)).toEqual([`invalid argument ${JSON.stringify(text)} for "--anonymous-auth" flag: ${why}`]);
  });

  test('that is given twice is what was said last', () => expect(valueOf('anonymous-auth', 'true', 'false')).toBe(false));
});

describe('a duration', () => {
  test('is written as Go does', () => expect(valueOf('event-ttl', '1h30m')).toBe(5_400_000));
  test('needs a unit', () => expect(faultsOf('event-ttl', '60')[0]).toContain('time: missing unit in duration "60"'));
});

describe('a list', () => {
  test('goes on when it is given again', () => {
    expect(valueOf('disable-admission-plugins', 'Priority,RuntimeClass', 'PodTopologyLabels')).toEqual([
      'Priority',
      'RuntimeClass',
      'PodTopologyLabels',
    ]);
  });

  test.each([
    ['', []],
    ['a', ['a']],
    ['a,,b', ['a', '', 'b']],
    ['"a,b",c', ['a,b', 'c']],
    ['"say ""x"""', ['say "x"']],
  ])('%j holds %j', (line, values) => expect(splitList(line)).toEqual(values));

  test('with an open quote is refused', () => expect(() => splitList('"a,b')).toThrow('parse error'));
});

describe('feature gates', () => {
  test('are turned on and off', () => {
    expect(valueOf('feature-gates', 'ImageVolume=false,HostnameOverride=true')).toEqual(
      new Map([
        ['ImageVolume', false],
        ['HostnameOverride', true],
      ]),
    );
  });

  test.each([
    ['ImageVolume', 'invalid argument "ImageVolume" for "--feature-gates" flag: missing bool value for ImageVolume'],
    ['DynamicResourceAllocation=true', 'feature gate DynamicResourceAllocation is not supported: the feature is not built'],
  ])('%s is refused', (text, fault) => expect(faultsOf('feature-gates', text)).toEqual([fault]));

  test('that nothing asks about are refused, and those that count are named', () => {
    expect(faultsOf('feature-gates', 'NoSuchGate=true')[0]).toMatch(
      /^unrecognized feature gate: NoSuchGate; this server has .*ImageVolume/,
    );
  });

  test('a value that is no boolean is refused', () => {
    expect(faultsOf('feature-gates', 'ImageVolume=maybe')[0]).toContain('invalid value of ImageVolume=maybe, err: strconv.ParseBool');
  });
});

describe('admission plugins', () => {
  test('are known by name', () => {
    expect(faultsOf('enable-admission-plugins', 'Nonsense')).toEqual(['enable-admission-plugins plugin "Nonsense" is unknown']);
    expect(faultsOf('disable-admission-plugins', 'ServiceAccount,Priority')).toEqual([]);
  });

  test('are not both on and off', () => {
    const { faults } = parseFlags({ 'enable-admission-plugins': ['Priority'], 'disable-admission-plugins': ['Priority'] });
    expect(faults).toEqual(['[Priority] in enable-admission-plugins and disable-admission-plugins overlapped']);
  });
});

describe('flags of authentication', () => {
  test('are read together', () => {
    const { values, faults } = parseFlags({
      'oidc-issuer-url': ['https://issuer.example'],
      'oidc-client-id': ['kubernetes'],
      'oidc-required-claim': ['tenant=a,b', 'group=x'],
      'oidc-signing-algs': ['RS256,ES256'],
      'service-account-issuer': ['https://a', 'https://b'],
      'authentication-token-webhook-cache-ttl': ['30s'],
    });
    expect(faults).toEqual([]);
    expect(values).toMatchObject({
      'oidc-required-claim': new Map([
        ['tenant', 'a,b'],
        ['group', 'x'],
      ]),
      'oidc-signing-algs': ['RS256', 'ES256'],
      'service-account-issuer': ['https://a', 'https://b'],
      'authentication-token-webhook-cache-ttl': 30_000,
    });
  });

  const issuer = { 'oidc-issuer-url': ['https://i'], 'oidc-client-id': ['k'] };
  const together = 'oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set';
  test.each<[Record<string, string[]>, string]>([
    [{ 'oidc-issuer-url': ['https://i'] }, together],
    [{ 'oidc-groups-claim': ['g'] }, together],
    [{ ...issuer, 'oidc-issuer-url': ['http://i'] }, 'oidc-issuer-url "http://i": URL scheme must be https'],
    [{ ...issuer, 'oidc-signing-algs': ['HS256'] }, 'oidc: unsupported signing alg: "HS256"'],
    [{ ...issuer, 'authentication-config': ['/f'] }, 'authentication-config file and oidc-* flags are mutually exclusive'],
    [{ 'service-account-issuer': [''] }, 'service-account-issuer should not be an empty string'],
    [{ 'service-account-issuer': ['https://a', 'https://a'] }, 'service-account-issuer "https://a" is already specified'],
    [{ 'service-account-issuer': [':x'] }, "service-account-issuer contained a ':' but was not a valid URL"],
    [{ 'service-account-jwks-uri': ['http://x'] }, 'service-account-jwks-uri requires https scheme, parsed as: http://x'],
    [
      { 'service-account-max-token-expiration': ['30m'] },
      'the service-account-max-token-expiration must be between 1 hour and 2^32 seconds',
    ],
  ])('%o is refused', (given, fault) => expect(parseFlags(given).faults).toEqual([fault]));
});

describe('flags of authorization', () => {
  const webhook = { 'authorization-mode': ['Node,Webhook'], 'authorization-webhook-config-file': ['/w'] };
  test('are read together', () => {
    const { values, faults } = parseFlags({ ...webhook, 'authorization-webhook-cache-authorized-ttl': ['1m'] });
    expect(faults).toEqual([]);
    expect(values).toMatchObject({
      'authorization-mode': ['Node', 'Webhook'],
      'authorization-webhook-config-file': '/w',
      'authorization-webhook-cache-authorized-ttl': 60_000,
    });
  });

  const exclusive = '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined';
  test.each<[Record<string, string[]>, string]>([
    [{ 'authorization-mode': ['Webhook'] }, "authorization-mode Webhook's authorization config file not passed"],
    [{ 'authorization-webhook-config-file': ['/w'] }, 'cannot specify --authorization-webhook-config-file without mode Webhook'],
    [{ 'authorization-mode': [''] }, 'at least one authorization-mode must be passed'],
    [{ 'authorization-mode': ['RBAC,Oracle'] }, 'authorization-mode "Oracle" is not a valid mode'],
    [{ 'authorization-mode': ['RBAC,ABAC'] }, 'authorization-mode "ABAC" is not supported'],
    [{ 'authorization-mode': ['RBAC,RBAC'] }, 'authorization-mode ["RBAC" "RBAC"] has mode specified more than once'],
    [
      { ...webhook, 'authorization-webhook-version': ['v2'] },
      'invalid argument "v2" for "--authorization-webhook-version" flag: must be one of v1, v1beta1',
    ],
    [{ 'authorization-config': ['/c'], 'authorization-mode': ['RBAC'] }, exclusive],
    [{ 'authorization-config': ['/c'], 'authorization-webhook-version': ['v1'] }, exclusive],
  ])('%o is refused', (given, fault) => expect(parseFlags(given).faults).toEqual([fault]));
});

test.each(['max-requests-inflight', 'max-mutating-requests-inflight', 'min-request-timeout'])('--%s is not below nought', (name) => {
  expect(faultsOf(name, '-1')).toEqual([`--${name} can not be negative value`]);
});
test('--request-timeout is not below nought', () => {
  expect(faultsOf('request-timeout', '-1s')).toEqual(['--request-timeout can not be negative value']);
});
