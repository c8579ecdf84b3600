import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { builtinResources } from '../../api/kinds/index.ts';
import { Registry, seededRandom, silentLogger, VirtualClock } from '../../base/index.ts';
import { createMemoryStore, type Store, type StoreEvent } from '../../store/index.ts';
import { parseEncryptionConfig } from './configuration.ts';
import { EncryptedStore } from './encrypted-store.ts';
import { aesCbcCipher, aesGcmCipher, type Cipher } from './providers.ts';
import { DecryptionError, Transformers } from './transformers.ts';

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n';
const random = seededRandom(1);
const secretOf = (name: string): string => createHash('sha256').update(name).digest('base64');
const key = (name: string): string => `{name: ${name}, secret: "${secretOf(name)}"}`;
const gcm = (...names: string[]): string => `{aesgcm: {keys: [${names.map(key).join(', ')}]}}`;
const cbc = (name: string): string => `{aescbc: {keys: [${key(name)}]}}`;
const identity = '{identity: {}}';
const config = (...entries: readonly (readonly [string, string])[]): string =>
  `${head}resources:\n${entries.map(([resources, providers]) => `- {resources: [${resources}], providers: [${providers}]}\n`).join('')}`;

describe('a configuration', () => {
  test.each<[string, string]>([
    [head, 'resources: Required value: at least one resources is required'],
    ['kind: EncryptionConfiguration', 'expected an EncryptionConfiguration of apiserver.config.k8s.io/v1'],
    ['a: [secret', 'it is no YAML'],
    [config(['', gcm('a')]), 'resources[0].resources: Required value'],
    [config(['secrets', '']), 'resources[0].providers: Required value'],
    [config(['secrets', '{}']), 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'],
    [config(['secrets', '{identity: {}, aesgcm: {keys: []}}']), 'more than one provider specified in a single element'],
    [config(['secrets', '{secretbox: {keys: []}}']), 'secretbox is not supported'],
    [config(['secrets', '{kms: {name: x}}']), 'kms is not supported'],
    [config(['secrets', '{aesgcm: {keys: []}}']), 'keys: Required value: at least one keys is required'],
    [
      config(['secrets', '{aesgcm: {keys: [{name: a, secret: "?"}]}}']),
      'secret: Invalid value: "REDACTED": secrets must be base64 encoded',
    ],
    [
      config(['secrets', '{aesgcm: {keys: [{name: a, secret: "YWJj"}]}}']),
      'secret is not of the expected length, got 3, expected one of [16 24 32]',
    ],
    [config(['Secrets', identity]), 'resource name should not contain capital letters'],
    [config(['"*"', identity]), "use '*.' to encrypt all the resources from core API group"],
    [config(['secrets, secrets', identity]), 'the same resource cannot be specified multiple times'],
    [config(['secrets, "*."', identity]), 'using overlapping resources'],
    [config(['"*.*"', identity], ['secrets', identity]), 'resource "secrets" is masked by earlier rule "*.*"'],
    [config(['events.events.k8s.io', identity]), "Use 'events' instead"],
    [config(['secrets.*', identity]), 'encrypting the same resource across groups is not supported'],
  ])('%j is refused', (text, message) => {
    expect(() => parseEncryptionConfig(text, 'f')).toThrow(message);
  });

  test('never tells a secret', () => {
    const wrong = config(['secrets', '{aesgcm: {keys: [{name: a, secret: "aHVudGVyMg=="}]}}']);
    expect(() => parseEncryptionConfig(wrong, 'f')).not.toThrow('aHVudGVyMg');
  });

  test.each<[string, string, string, string]>([
    ['*.*', '', 'pods', 'all'],
    ['*.*', 'apps', 'deployments', 'all'],
    ['*.', '', 'secrets', 'core'],
    ['*.', 'apps', 'deployments', ''],
    ['*.apps', 'apps', 'deployments', 'apps'],
    ['deployments.apps', 'apps', 'replicasets', ''],
  ])('%s for %s/%s', (resource, group, plural, found) => {
    const transformers = new Transformers(parseEncryptionConfig(config([`"${resource}"`, gcm(found || 'x')]), 'f'), random);
    expect(transformers.of(group, plural)?.prefix ?? '').toBe(found === '' ? '' : `k8s:enc:aesgcm:v1:${found}:`);
  });
});

describe.each<[string, (name: string) => Cipher]>([
  ['aesgcm', (name) => aesGcmCipher({ name, secret: Buffer.from(secretOf(name), 'base64') }, random)],
  ['aescbc', (name) => aesCbcCipher({ name, secret: Buffer.from(secretOf(name), 'base64').subarray(0, 16) }, random)],
])('%s', (type, cipher) => {
  const text = Buffer.from('{"a":"secret"}');
  const unprefixed = (sealed: Buffer): Buffer => sealed.subarray(`k8s:enc:${type}:v1:a:`.length);

  test('reads what it wrote, and never writes the same twice', () => {
    const sealed = cipher('a').seal(text, '/registry/secrets/x/y');
    expect(sealed.toString('latin1')).toMatch(new RegExp(`^k8s:enc:${type}:v1:a:`));
    expect(sealed.includes('secret')).toBe(false);
    expect(cipher('a').open(unprefixed(sealed), '/registry/secrets/x/y')).toEqual(text);
    expect(cipher('a').seal(text, '/registry/secrets/x/y')).not.toEqual(sealed);
  });

  test('does not read what is cut off', () => {
    const sealed = unprefixed(cipher('a').seal(text, 'k'));
    for (const length of [0, 5, sealed.length - 1]) expect(() => cipher('a').open(sealed.subarray(0, length), 'k')).toThrow(Error);
  });
});

test('a value that was moved to another key, or changed, does not read', () => {
  const cipher = aesGcmCipher({ name: 'a', secret: Buffer.from(secretOf('a'), 'base64') }, random);
  const sealed = cipher.seal(Buffer.from('{}'), '/registry/secrets/x/y').subarray('k8s:enc:aesgcm:v1:a:'.length);
  expect(() => cipher.open(sealed, '/registry/secrets/x/z')).toThrow(Error);
  sealed[20]! ^= 1;
  expect(() => cipher.open(sealed, '/registry/secrets/x/y')).toThrow(Error);
});

describe('a store', () => {
  const at = '/registry/secrets/default/s';
  const value = Buffer.from('{"kind":"Secret"}');
  const over = (store: Store, text: string): EncryptedStore =>
    new EncryptedStore(store, {
      transformers: new Transformers(parseEncryptionConfig(text, 'f'), random),
      definitions: builtinResources,
      log: silentLogger,
      metrics: new Registry(),
    });
  const put = (store: Store, storeKey: string, expectModRevision = 0): ReturnType<Store['txn']> =>
    store.txn({ key: storeKey, expectModRevision, op: { type: 'put', value } });
  const memory = (): Store => createMemoryStore({ clock: new VirtualClock(0) });
  const rawText = async (store: Store, storeKey: string): Promise<string> =>
    Buffer.from((await store.get(storeKey))!.value).toString('latin1');

  test('has no plain text of what is to be encrypted, and everything else as it is', async () => {
    const raw = memory();
    const store = over(raw, config(['secrets', gcm('a')]));
    await put(store, at);
    await put(store, '/registry/configmaps/default/c');
    expect(await rawText(raw, at)).toMatch(/^k8s:enc:aesgcm:v1:a:/);
    expect(await rawText(raw, '/registry/configmaps/default/c')).toBe(value.toString());
    expect(Buffer.from((await store.get(at))!.value)).toEqual(value);
    expect((await store.range('/registry/')).kvs.map((kv) => Buffer.from(kv.value).toString())).toEqual([
      value.toString(),
      value.toString(),
    ]);
  });

  test('is read with every key and written with the first', async () => {
    const raw = memory();
    await put(over(raw, config(['secrets', identity])), at);
    const rotating = over(raw, config(['secrets', [gcm('new', 'old'), cbc('older'), identity].join(', ')]));
    expect(Buffer.from((await rotating.get(at))!.value)).toEqual(value);
    expect(rotating.isCurrent(at)).toBe(false);
    await put(rotating, at, 1);
    await rotating.get(at);
    expect(rotating.isCurrent(at)).toBe(true);
    expect(await rawText(raw, at)).toMatch(/^k8s:enc:aesgcm:v1:new:/);
    const next = over(raw, config(['secrets', gcm('newer', 'new')]));
    expect(Buffer.from((await next.get(at))!.value)).toEqual(value);
    expect(next.isCurrent(at)).toBe(false);
    next.reconfigure(new Transformers(parseEncryptionConfig(config(['secrets', gcm('new')]), 'f'), random));
    expect(next.isCurrent(at)).toBe(true);
  });

  test.each<[string, string, string]>([
    ['another key', gcm('b'), 'no matching key was found for the provided aesgcm transformer'],
    ['another provider', cbc('a'), 'no matching key was found for the provided aesgcm transformer'],
    ['identity alone', identity, 'no matching key was found for the provided aesgcm transformer'],
  ])('names what cannot be read with %s', async (_, providers, why) => {
    const raw = memory();
    await put(over(raw, config(['secrets', gcm('a')])), at);
    const store = over(raw, config(['secrets', providers]));
    await expect(store.get(at)).rejects.toThrow(`unable to transform key "${at}": ${why}`);
    await expect(store.range('/registry/')).rejects.toThrow(DecryptionError);
    await expect(put(store, at)).rejects.toThrow(DecryptionError);
  });

  test('names what is encrypted though nothing says so any more, and what is not though it should be', async () => {
    const raw = memory();
    await put(over(raw, config(['secrets', gcm('a')])), at);
    await expect(over(raw, config(['configmaps', identity])).get(at)).rejects.toThrow('does not name its resource');
    await put(raw, '/registry/secrets/default/plain');
    await expect(over(raw, config(['secrets', gcm('a')])).get('/registry/secrets/default/plain')).rejects.toThrow(
      'no matching prefix found',
    );
  });

  test('tells watchers what it can read, and goes on', async () => {
    const raw = memory();
    const store = over(raw, config(['secrets', gcm('a')]));
    const events: StoreEvent[] = [];
    const watch = await store.watch({ prefix: '/registry/', onEvents: (batch) => events.push(...batch), onError: () => {} });
    await put(store, at);
    await put(over(raw, config(['secrets', gcm('stranger')])), '/registry/secrets/default/other');
    await put(store, '/registry/configmaps/default/c');
    await expect
      .poll(() => events.map((event) => (event.type === 'put' ? Buffer.from(event.kv.value).toString() : '')))
      .toEqual([value.toString(), value.toString()]);
    watch.close();
  });
});
