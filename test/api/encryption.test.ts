/** Encryption at rest against the running server: what stands in the store, and what clients see. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { configuredEncryption } from '../../src/apiserver/index.ts';
import { Registry, silentLogger, systemClock, VirtualClock } from '../../src/base/index.ts';
import { createMemoryStore, openLmdbStore, type Store } from '../../src/store/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'kn-encryption-'));
const file = join(directory, 'encryption.yaml');

afterAll(() => rmSync(directory, { recursive: true }));

function write(resources: string, ...providers: string[]): void {
  const list = providers.map((provider) => `  - ${provider}\n`).join('');
  writeFileSync(
    file,
    `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [${resources}]\n  providers:\n${list}`,
  );
}

const gcm = (...names: string[]): string => {
  const keys = names.map((name) => `{name: ${name}, secret: ${Buffer.alloc(32, name).toString('base64')}}`);
  return `{aesgcm: {keys: [${keys.join(', ')}]}}`;
};

function start(store: Store, options: { readonly reload?: boolean; readonly clock?: VirtualClock } = {}): Promise<TestServer> {
  const flags = { 'encryption-provider-config': file, 'encryption-provider-config-automatic-reload': options.reload ?? false };
  return startTestServer({
    store,
    ...(options.clock && { clock: options.clock }),
    encrypt: (under, deps) => configuredEncryption(under, flags, { ...deps, metrics: new Registry() }),
  });
}

/** Stops the server, not the store under it. */
async function stop({ server }: TestServer): Promise<void> {
  await server.close();
}

async function rawText(store: Store): Promise<string> {
  const { kvs } = await store.range('/registry/');
  return kvs.map(({ key, value }) => `${key} ${Buffer.from(value).toString('latin1')}`).join('\n');
}

const secrets = '/api/v1/namespaces/default/secrets';
const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { password: 'correct horse' } });
const password = Buffer.from('correct horse').toString('base64');

test.each<[string, () => Promise<Store>]>([
  ['memory', () => Promise.resolve(createMemoryStore({ clock: systemClock }))],
  ['LMDB', () => openLmdbStore({ directory: join(directory, 'lmdb'), clock: systemClock, log: silentLogger, registry: new Registry() })],
])('secrets in %s are no plain text, survive a restart, and read with a new key until they are written with it', async (_, open) => {
  const store = await open();
  write('secrets', gcm('one'));
  const first = await start(store);
  expect((await first.http('POST', secrets, secret('s'))).status).toBe(201);
  await first.http('POST', '/api/v1/namespaces/default/configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    data: { a: 'plain' },
  });
  expect(
    (
      await first.http(
        'PATCH',
        `${secrets}/s`,
        { metadata: { labels: { a: 'b' } } },
        { headers: { 'content-type': 'application/merge-patch+json' } },
      )
    ).status,
  ).toBe(200);
  const raw = await rawText(store);
  expect(raw).toContain('/registry/secrets/default/s k8s:enc:aesgcm:v1:one:');
  expect(raw).not.toContain(password);
  expect(raw).toContain('"a":"plain"');
  await stop(first);

  write('secrets', gcm('two', 'one'));
  const second = await start(store);
  const read = await second.http('GET', `${secrets}/s`);
  expect(read.json.data.password).toBe(password);
  expect((await second.http('GET', secrets)).json.items).toHaveLength(1);
  expect((await second.http('PUT', `${secrets}/s`, read.json)).json.metadata.resourceVersion).not.toBe(read.json.metadata.resourceVersion);
  expect(await rawText(store)).toContain('/registry/secrets/default/s k8s:enc:aesgcm:v1:two:');
  // Now it is as it should be: nothing is written.
  const now = await second.http('GET', `${secrets}/s`);
  expect((await second.http('PUT', `${secrets}/s`, now.json)).json.metadata.resourceVersion).toBe(now.json.metadata.resourceVersion);
  await stop(second);

  write('secrets', gcm('three'));
  await expect(start(store)).rejects.toThrow('unable to transform key "/registry/secrets/default/s"');
  // Nor without any configuration: nobody could read it, and nobody would know why.
  await expect(startTestServer({ store })).rejects.toThrow('the value is encrypted, and there is no encryption configuration');
  await store.close();
});

test('a new configuration is used without a restart; one that is wrong changes nothing', async () => {
  const store = createMemoryStore({ clock: systemClock });
  const clock = new VirtualClock();
  write('secrets', '{identity: {}}');
  await using server = await start(store, { reload: true, clock });
  await server.http('POST', secrets, secret('plain'));
  write('secrets', gcm('one'), '{identity: {}}');
  await clock.advance(60_000);
  await server.http('POST', secrets, secret('sealed'));
  expect(await rawText(store)).toContain('/registry/secrets/default/sealed k8s:enc:aesgcm:v1:one:');
  expect((await server.http('GET', `${secrets}/plain`)).json.data.password).toBe(password);
  write('secrets', '{aesgcm: {keys: []}}');
  await clock.advance(60_000);
  expect((await server.http('POST', secrets, secret('later'))).status).toBe(201);
  expect(await rawText(store)).toContain('/registry/secrets/default/later k8s:enc:aesgcm:v1:one:');
});

test('an object that cannot be read is named to whoever writes it; everything else goes on', async () => {
  const store = createMemoryStore({ clock: systemClock });
  write('secrets', gcm('one'));
  await using server = await start(store);
  await server.http('POST', secrets, secret('good'));
  const value = Buffer.from('k8s:enc:aesgcm:v1:stranger:whatever');
  await store.txn({ key: '/registry/secrets/default/bad', expectModRevision: 0, op: { type: 'put', value } });
  const refused = await server.http('POST', secrets, secret('bad'));
  expect(refused.status).toBe(500);
  expect(refused.json.message).toContain('unable to transform key "/registry/secrets/default/bad"');
  await vi.waitFor(async () => expect((await server.http('GET', secrets)).json.items).toHaveLength(1), { timeout: 20_000 });
  expect((await server.http('POST', secrets, secret('after'))).status).toBe(201);
});
