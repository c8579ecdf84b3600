import { expect, test } from 'vitest';
import type { JsonObject } from '../../api/index.ts';
import { Registry, seededRandom, silentLogger, TaskGroup, VirtualClock } from '../../base/index.ts';
import { createClient, createInformerFactory, type RecordedEvent, type Transport, type WatchEvent } from '../../client/index.ts';
import { startNetworkPolicies } from './network-policies.ts';
import { plainPods, podOf } from './random-policies.ts';

/** An API server that takes questions and never answers. */
const silentServer: Transport = {
  request: ({ signal }) => new Promise<JsonObject>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  // oxlint-disable-next-line require-yield
  watch: async function* ({ signal }): AsyncGenerator<readonly WatchEvent[]> {
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  },
  close: async () => {},
};

test('a pod that waits for policies which nobody can read is told so, and starts no container', async () => {
  const clock = new VirtualClock();
  const events: [string, RecordedEvent][] = [];
  const group = new TaskGroup({ log: silentLogger });
  const random = seededRandom(1);
  const informers = createInformerFactory({ client: createClient(silentServer), clock, random, log: silentLogger, group });
  const policies = startNetworkPolicies({
    nodeName: 'n',
    table: 'knarr-test-never',
    informers,
    recorder: { event: (regarding, event) => events.push([(regarding as { metadata: { name: string } }).metadata.name, event]) },
    clock,
    group,
    registry: new Registry(),
  });
  const leaving = new AbortController();
  const waiting = policies.guard(podOf(plainPods[0]!), ['10.9.0.2'], leaving.signal);
  await clock.advance(9_000);
  expect(events).toEqual([]);
  await clock.advance(2_000);
  const why = 'they cannot be read from the API server';
  const message = `network is not ready: no container is started before the network policies hold: ${why}`;
  expect(events).toEqual([['p', { type: 'Warning', reason: 'NetworkNotReady', message }]]);
  leaving.abort(new Error('deleted'));
  await expect(waiting).rejects.toThrow('deleted');
  await group.close();
});
