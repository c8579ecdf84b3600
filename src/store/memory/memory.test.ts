import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { describeStore } from '../store.suite.ts';
import { createMemoryStore } from './index.ts';

describeStore('memory', { open: async (clock) => createMemoryStore({ clock }), cleanUp: () => {}, runs: 200 });

describe('memory store', () => {
  test('settles by microtasks alone, so that virtual time decides when things happen', async () => {
    const store = createMemoryStore({ clock: new VirtualClock() });
    const put = store.txn({ key: '/a', expectModRevision: 0, op: { type: 'put', value: new Uint8Array(1) } });
    let macrotask = false;
    const immediate = setImmediate(() => (macrotask = true));
    await put;
    expect(macrotask).toBe(false);
    clearImmediate(immediate);
    await store.close();
  });
});
