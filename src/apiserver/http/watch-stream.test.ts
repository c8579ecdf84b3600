import { describe, expect, test } from 'vitest';
import { setImmediate } from 'node:timers/promises';
import { expired } from '../../api/index.ts';
import { VirtualClock } from '../../base/index.ts';
import { DecodedObjects } from '../cache/decoded-objects.ts';
import { type ObjectHome, ObjectHead, StoredObject } from '../cache/stored-object.ts';
import type { OpenWatch } from '../cache/watch-opener.ts';
import { TellableEvent, Watcher } from '../cache/watcher.ts';
import { jsonEvents, type Rendering } from '../rendering/rendering.ts';
import type { OpenResponse } from './exchange.ts';
import { WatchStream } from './watch-stream.ts';

const home: ObjectHome = {
  head: new ObjectHead({ kind: 'Thing', apiVersion: 'v1' }),
  decoded: new DecodedObjects({ objects: 10, bytes: 1_000_000 }),
  freeze: true,
  decode: (bytes) => JSON.parse(bytes.toString()) as never,
};
const object = (revision: number): StoredObject =>
  new StoredObject(home, 'a', revision, Buffer.concat([home.head.bytes, Buffer.from('"name":"a"}}')]));
let rendered = 0;
const rendering: Rendering = {
  name: 'test',
  object: (stored) => {
    rendered++;
    return stored.bytes;
  },
  listStart: () => '',
  itemStart: '',
  item: (stored) => stored.bytes,
  listEnd: '',
};

/** A client that takes what it is sent, or does not. */
class Client implements OpenResponse {
  text = '';
  ended = false;
  aborted = false;
  pendingBytes = 0;
  stalled = Promise.withResolvers<void>();
  writes = 0;
  writeNow(chunk: Uint8Array): boolean {
    this.writes++;
    this.text += Buffer.from(chunk).toString();
    return true;
  }
  write(chunk: Uint8Array): Promise<void> {
    this.writeNow(chunk);
    return Promise.resolve();
  }
  drained(): Promise<void> {
    return this.stalled.promise;
  }
  end(): void {
    this.ended = true;
  }
  abort(): void {
    this.aborted = true;
  }
  get lines(): string[] {
    return this.text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const { type, object: told } = JSON.parse(line) as {
          type: string;
          object: { metadata: { resourceVersion?: string }; code?: number };
        };
        return `${type} ${told.metadata.resourceVersion ?? told.code}`;
      });
  }
}

function serve(more: Partial<OpenWatch> = {}) {
  const client = new Client();
  const clock = new VirtualClock();
  const stream = new WatchStream(client, jsonEvents(rendering));
  const scope = { namespace: '', name: '', indexed: '', matches: undefined };
  const watcher = new Watcher({ scope, startRevision: 0, onEvents: stream.onEvents });
  let closed = false;
  const watch: OpenWatch = {
    initial: [],
    initialEnd: undefined,
    failure: undefined,
    watcher,
    bookmark: () => new TellableEvent('BOOKMARK', object(99)),
    close: () => {
      closed = true;
      watcher.end('closed');
    },
    ...more,
  };
  const abort = new AbortController();
  const done = stream.serve(watch, { clock, timeoutMs: 60_000, signal: abort.signal });
  return { client, clock, watcher, abort, done, closed: () => closed };
}

describe('a watch over HTTP', () => {
  test('sends the initial objects, then what comes', async () => {
    const { client, watcher, abort, done } = serve({
      initial: [object(1), object(2)],
      initialEnd: new TellableEvent('BOOKMARK', object(2)),
    });
    await setImmediate();
    watcher.push(new TellableEvent('MODIFIED', object(3)));
    await setImmediate();
    expect(client.lines).toEqual(['ADDED 1', 'ADDED 2', 'BOOKMARK 2', 'MODIFIED 3']);
    abort.abort();
    await done;
    expect(client.ended).toBe(true);
  });

  test('sends all events of one turn in one write, rendered once for all clients', async () => {
    const [one, two] = [serve(), serve()];
    await setImmediate();
    rendered = 0;
    for (const event of [new TellableEvent('ADDED', object(1)), new TellableEvent('MODIFIED', object(2))]) {
      one.watcher.push(event);
      two.watcher.push(event);
    }
    await setImmediate();
    expect([one.client.writes, two.client.writes, rendered]).toEqual([1, 1, 2]);
    expect(two.client.lines).toEqual(['ADDED 1', 'MODIFIED 2']);
    for (const each of [one, two]) {
      each.abort.abort();
      await each.done;
    }
  });

  test('ends at its deadline with a last bookmark', async () => {
    const { client, clock, done, closed } = serve();
    await setImmediate();
    await clock.advance(60_000);
    await done;
    expect(client.lines).toEqual(['BOOKMARK 99']);
    expect([client.ended, closed()]).toEqual([true, true]);
  });

  test('that cannot begin says why and ends', async () => {
    const { client, done } = serve({ failure: expired('too old resource version: 1 (2)') });
    await done;
    expect(client.lines).toEqual(['ERROR 410']);
  });

  test('waits for a client that does not read, and goes on when it does', async () => {
    const { client, watcher, abort, done } = serve();
    await setImmediate();
    client.pendingBytes = 1024 * 1024;
    watcher.push(new TellableEvent('ADDED', object(1)));
    await setImmediate();
    expect(client.lines).toEqual([]);
    client.pendingBytes = 0;
    client.stalled.resolve();
    await setImmediate();
    expect(client.lines).toEqual(['ADDED 1']);
    abort.abort();
    await done;
  });

  test('breaks off with a client that never reads', async () => {
    const { client, watcher, done } = serve();
    await setImmediate();
    client.pendingBytes = 1024 * 1024;
    watcher.push(new TellableEvent('ADDED', object(1)));
    await setImmediate();
    watcher.end('tooSlow');
    await done;
    expect(client.aborted).toBe(true);
  });
});
