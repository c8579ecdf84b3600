/**
 * A process that writes to a store and says at once, on standard output, what it was told: `event <revision>` by a watch and
 * `ack <revision> <key>` as answer. Fault tests kill it, delay its disk or break it.
 * Arguments: directory, number of writes, writes in flight.
 */
import { writeSync } from 'node:fs';
import { createLogger, systemClock } from '../../../base/index.ts';
import { openLmdbStore } from '../index.ts';

const [directory, total, inFlight] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const store = await openLmdbStore({ directory, clock: systemClock, log: createLogger({ component: 'writer' }) });
/** One write(2) a line, so that a reader gets whole lines up to the last instruction of this process. */
const say = (line: string): void => void writeSync(1, `${line}\n`);

await store.watch({
  prefix: '/',
  onEvents: (events) => {
    for (const event of events) say(`event ${event.type === 'put' ? event.kv.modRevision : event.modRevision}`);
  },
  onError: () => {},
});

let written = 0;
async function client(id: number): Promise<void> {
  const key = `/client/${id}`;
  let modRevision = (await store.get(key))?.modRevision ?? 0;
  while (written++ < total) {
    const value = Buffer.from(`${key} after ${modRevision}`.padEnd(1500));
    const result = await store.txn({ key, expectModRevision: modRevision, op: { type: 'put', value } });
    if (!result.ok) throw new Error(`nobody else writes ${key}`);
    modRevision = result.revision;
    say(`ack ${modRevision} ${key}`);
    if (modRevision % 500 === 0) void store.compact(modRevision - 100);
  }
}

// A write that fails has ended the process, or is about to.
await Promise.allSettled(Array.from({ length: inFlight }, (_, id) => client(id)));
await store.close();
