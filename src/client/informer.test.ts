import { afterEach, describe, expect, it } from 'vitest';
import { ApiError, type corev1, corev1Resources, expired, type JsonObject } from '../api/index.ts';
import { seededRandom, silentLogger, TaskGroup, VirtualClock } from '../base/index.ts';
import { createClient } from './client.ts';
import { createInformerFactory } from './informer.ts';
import { type Informer, keyOf } from './lister.ts';
import type { Transport, WatchEvent, WatchRequest } from './transport.ts';

type Step = readonly WatchEvent[] | Error | 'end' | 'wait';

function configMap(name: string, version: number, data = '', namespace = 'ns'): corev1.ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: String(version), creationTimestamp: '2026-01-01T00:00:00Z' },
    data: { data },
  };
}

const added = (object: corev1.ConfigMap): WatchEvent => ({ type: 'ADDED', object });
const modified = (object: corev1.ConfigMap): WatchEvent => ({ type: 'MODIFIED', object });
const deleted = (object: corev1.ConfigMap): WatchEvent => ({ type: 'DELETED', object });
const bookmark = (version: number, last = false): WatchEvent => ({
  type: 'BOOKMARK',
  object: {
    ...configMap('', version),
    metadata: { ...configMap('', version).metadata, ...(last && { annotations: { 'k8s.io/initial-events-end': 'true' } }) },
  },
});

/** Plays one script a watch and one page a list, and writes down what it was asked. */
class ScriptedServer implements Transport {
  readonly asked: string[] = [];
  readonly watches: (readonly Step[])[];
  readonly pages: JsonObject[];

  constructor(script: { readonly watches: (readonly Step[])[]; readonly pages?: JsonObject[] }) {
    this.watches = script.watches;
    this.pages = script.pages ?? [];
  }

  async request({ query }: { readonly query?: object }): Promise<JsonObject> {
    this.asked.push(`list ${(query as { continue?: string }).continue ?? ''}`.trim());
    return this.pages.shift()!;
  }

  async *watch(request: WatchRequest): AsyncGenerator<readonly WatchEvent[]> {
    this.asked.push(request.query?.['sendInitialEvents'] ? 'stream' : `watch ${request.query?.['resourceVersion']}`);
    for (const step of this.watches.shift() ?? ['wait' as const]) {
      if (step instanceof Error) throw step;
      if (step === 'end') return;
      if (step === 'wait')
        await new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)));
      else yield step;
    }
  }

  async close(): Promise<void> {}
}

const groups: TaskGroup[] = [];
afterEach(() => Promise.all(groups.splice(0).map((group) => group.close())));

function start(server: ScriptedServer): { told: string[]; informer: Informer<corev1.ConfigMap>; clock: VirtualClock } {
  const clock = new VirtualClock();
  const group = new TaskGroup({ log: silentLogger });
  groups.push(group);
  const factory = createInformerFactory({ client: createClient(server), clock, random: seededRandom(1), log: silentLogger, group });
  const informer = factory.informer(corev1Resources.configmaps);
  const told: string[] = [];
  informer.addIndex('data', (object) => Object.values(object.data ?? {}));
  informer.addHandler({
    added: (object) => told.push(`added ${keyOf(object)}`),
    updated: (old, object) => told.push(`updated ${keyOf(object)} ${old.metadata.resourceVersion}→${object.metadata.resourceVersion}`),
    deleted: (object) => told.push(`deleted ${keyOf(object)}`),
  });
  factory.start();
  return { told, informer, clock };
}

describe('an informer', () => {
  it('fills from a streamed list and then follows the same watch', async () => {
    const server = new ScriptedServer({
      watches: [
        [
          [added(configMap('a', 1)), added(configMap('b', 2))],
          [deleted(configMap('b', 3)), bookmark(3, true)],
          [modified(configMap('a', 4, 'x')), added(configMap('c', 5, 'x')), bookmark(9)],
          'wait',
        ],
      ],
    });
    const { told, informer, clock } = start(server);
    await clock.advance(0);
    expect(told).toEqual(['added ns/a', 'updated ns/a 1→4', 'added ns/c']);
    expect(informer.synced).toBe(true);
    expect(informer.byIndex('data', 'x').map(keyOf)).toEqual(['ns/a', 'ns/c']);
    expect(informer.byIndex('data', '')).toEqual([]);
    expect(informer.list('other')).toEqual([]);
    expect(informer.get({ namespace: 'ns', name: 'a' })?.metadata.resourceVersion).toBe('4');
  });

  it('pages through a list where the server does not stream it, and names the kind of items that lack it', async () => {
    const item = (name: string, version: number): JsonObject => {
      const { kind: _kind, apiVersion: _apiVersion, ...rest } = configMap(name, version);
      return rest as unknown as JsonObject;
    };
    const server = new ScriptedServer({
      watches: [[new ApiError({ code: 422, reason: 'Invalid', message: 'no' })], [[added(configMap('c', 8))], 'wait']],
      pages: [
        { metadata: { resourceVersion: '7', continue: 'next' }, items: [item('a', 1)] },
        { metadata: { resourceVersion: '7' }, items: [item('b', 2)] },
      ],
    });
    const { told, informer, clock } = start(server);
    await clock.advance(0);
    expect(server.asked).toEqual(['stream', 'list', 'list next', 'watch 7']);
    expect(told).toEqual(['added ns/a', 'added ns/b', 'added ns/c']);
    expect(informer.get({ namespace: 'ns', name: 'b' })).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
  });

  it('goes on from the last bookmark after a broken watch', async () => {
    const server = new ScriptedServer({
      watches: [
        [[added(configMap('a', 1)), bookmark(3, true)], [bookmark(40)], new Error('reset')],
        [[modified(configMap('a', 41))], 'wait'],
      ],
    });
    const { told, clock } = start(server);
    await clock.advance(1000);
    expect(server.asked).toEqual(['stream', 'watch 40']);
    expect(told).toEqual(['added ns/a', 'updated ns/a 1→41']);
  });

  it('starts from a fresh state when history was compacted, and tells what was missed', async () => {
    const server = new ScriptedServer({
      watches: [
        [[added(configMap('a', 1)), added(configMap('b', 2)), added(configMap('c', 3)), bookmark(3, true)], new Error('reset')],
        [[{ type: 'ERROR', object: expired('too old resource version').toStatus() as never }]],
        [[added(configMap('a', 1)), added(configMap('c', 9)), added(configMap('d', 8)), bookmark(9, true)], 'wait'],
      ],
    });
    const { told, clock } = start(server);
    await clock.advance(5000);
    expect(server.asked).toEqual(['stream', 'watch 3', 'stream']);
    expect(told.slice(3)).toEqual(['updated ns/c 3→9', 'added ns/d', 'deleted ns/b']);
  });

  it('tells a deletion and an addition when an object was made anew under its name', async () => {
    const anew = { ...configMap('a', 9), metadata: { ...configMap('a', 9).metadata, uid: 'another' } };
    const server = new ScriptedServer({
      watches: [
        [[added(configMap('a', 1)), bookmark(3, true)], expired('gone')],
        [[added(anew), bookmark(9, true)], 'wait'],
      ],
    });
    const { told, clock } = start(server);
    await clock.advance(5000);
    expect(told).toEqual(['added ns/a', 'deleted ns/a', 'added ns/a']);
  });

  it('waits longer after each failure, and starts the list anew when a streamed one breaks off', async () => {
    const server = new ScriptedServer({
      watches: [...Array.from({ length: 6 }, () => [[added(configMap('a', 1))], new Error('reset')]), [[bookmark(3, true)], 'wait']],
    });
    const { told, informer, clock } = start(server);
    await clock.advance(100);
    expect(server.asked).toHaveLength(1);
    await clock.advance(60_000);
    expect(server.asked).toHaveLength(7);
    expect([told, informer.synced]).toEqual([[], true]);
  });

  it('tells a late handler what is there already', async () => {
    const server = new ScriptedServer({ watches: [[[added(configMap('a', 1)), bookmark(3, true)], 'wait']] });
    const { informer, clock } = start(server);
    await clock.advance(0);
    const late: string[] = [];
    informer.addHandler({ added: (object) => late.push(keyOf(object)) });
    expect(late).toEqual(['ns/a']);
  });
});
