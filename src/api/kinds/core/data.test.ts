import { describe, expect, test } from 'vitest';
import { utf8ToBase64 } from '../base64.ts';
import { create, decode, definitionOf, type Manifest, row, update } from '../strategy.suite.ts';

const configMaps = definitionOf('configmaps');
const secrets = definitionOf('secrets');
const metadata = { name: 'a', namespace: 'b' };

describe('ConfigMap', () => {
  test.each<[string, Manifest, (string | RegExp)[]]>([
    ['data and bytes', { data: { a: 'x', 'b.c-d_E': 'y' }, binaryData: { z: 'AAA=' } }, []],
    ['a key that is none', { data: { 'a/b': '' } }, [/^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist of/]],
    [
      'a key in both',
      { data: { a: '' }, binaryData: { a: '' } },
      [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData',
        'binaryData[a]: Invalid value: "a": duplicate of key present in data',
      ],
    ],
    ['more than a mebibyte', { data: { a: 'x'.repeat(1024 * 1024), b: 'y' } }, [': Too long: may not be more than 1048576 bytes']],
    ['a mebibyte', { data: { a: 'x'.repeat(1024 * 1024) } }, []],
    [
      'half a mebibyte of two-byte letters and one more',
      { data: { a: `${'é'.repeat(512 * 1024)}x` } },
      [': Too long: may not be more than 1048576 bytes'],
    ],
  ])('%s', (_name, manifest, expected) => {
    const { faults } = create(configMaps, { metadata, ...manifest });
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('what is immutable stays', () => {
    const old = decode(configMaps, { metadata, immutable: true, data: { a: '1' } });
    expect(update(configMaps, { old, manifest: { metadata, immutable: true, data: { a: '1' } } }).faults).toEqual([]);
    expect(update(configMaps, { old, manifest: { metadata, data: { a: '2' }, binaryData: { b: '' } } }).faults).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
      'binaryData: Forbidden: field is immutable when `immutable` is set',
    ]);
  });

  test('its row counts the keys', () => {
    expect(row(configMaps, { metadata, data: { a: '' }, binaryData: { b: '', c: '' } })).toMatchObject({ Name: 'a', Data: 3 });
  });
});

describe('Secret', () => {
  const text = utf8ToBase64;
  test('stringData becomes data and is not kept', () => {
    const { object } = create(secrets, { metadata, data: { a: text('old') }, stringData: { a: 'new', b: 'grüße' } });
    expect(object['data']).toEqual({ a: text('new'), b: 'Z3LDvMOfZQ==' });
    expect(object['stringData']).toBeUndefined();
    expect(object['type']).toBe('Opaque');
  });

  test.each<[string, Manifest, string[]]>([
    ['any keys', { type: 'example.com/mine', data: { a: '' } }, []],
    [
      'a token without account',
      { type: 'kubernetes.io/service-account-token' },
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
    ['no docker file', { type: 'kubernetes.io/dockercfg' }, ['data[.dockercfg]: Required value']],
    [
      'a docker file that is no JSON',
      { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': text('') } },
      ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": unexpected end of JSON input'],
    ],
    [
      'a docker file without quotes',
      { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': text('{auths:1}') } },
      ['data[.dockercfg]: Invalid value: "<secret contents redacted>": invalid character \'a\' looking for beginning of object key string'],
    ],
    [
      'a docker file that is a list',
      { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': text('[]') } },
      [
        'data[.dockercfg]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}',
      ],
    ],
    ['a docker file with bytes that are no text', { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': 'eyJhIjoi/yJ9' } }, []],
    ['a docker file', { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': text('{"auths":{}}') } }, []],
    [
      'neither user nor password',
      { type: 'kubernetes.io/basic-auth' },
      ['data[username]: Required value', 'data[password]: Required value'],
    ],
    ['a user', { type: 'kubernetes.io/basic-auth', data: { username: '' } }, []],
    ['an empty key', { type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } }, ['data[ssh-privatekey]: Required value']],
    ['half a certificate', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
    ['too much', { data: { a: 'A'.repeat(4 * Math.ceil((1024 * 1024 + 3) / 3)) } }, ['data: Too long: may not be more than 1048576 bytes']],
  ])('%s', (_name, manifest, expected) => expect(create(secrets, { metadata, ...manifest }).faults).toEqual(expected));

  test('the type does not change', () => {
    const old = decode(secrets, { metadata });
    expect(update(secrets, { old, manifest: { metadata, type: 'example.com/mine' } }).faults).toEqual([
      'type: Invalid value: "example.com/mine": field is immutable',
    ]);
  });
});

test('base64 without Node', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'grüße ☃ 😀']) {
    expect(utf8ToBase64(text)).toBe(Buffer.from(text).toString('base64'));
  }
});
