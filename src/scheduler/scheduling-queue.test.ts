import { expect, test } from 'vitest';
import type { corev1 } from '../api/index.ts';
import { VirtualClock } from '../base/index.ts';
import { defaultPlugins } from './plugins/index.ts';
import { prioritySort } from './plugins/old/priority-sort.ts';
import { SchedulingQueue } from './scheduling-queue.ts';
import { makeNode, makePod } from './testdata/objects.ts';

const signal = new AbortController().signal;

function open(): { clock: VirtualClock; queue: SchedulingQueue; next: () => Promise<string> } {
  const clock = new VirtualClock();
  const queue = new SchedulingQueue({ clock, plugins: defaultPlugins, less: prioritySort.less! });
  return { clock, queue, next: async () => (await queue.next(signal)).pod.metadata.name };
}

const fits = new Set(['NodeResourcesFit']);

test('higher priority comes first, then who came first', async () => {
  const { clock, queue, next } = open();
  queue.add(makePod('early'));
  await clock.advance(1);
  queue.add(makePod('late'));
  queue.add(makePod('important', {}, { priority: 10 }));
  expect([await next(), await next(), await next()]).toEqual(['important', 'early', 'late']);
});

test('a pod that fits nowhere waits for an event that can help, then for its back-off', async () => {
  const { clock, queue, next } = open();
  queue.add(makePod('p', { cpu: '1' }));
  await next();
  queue.failed('uid-p', fits);
  queue.clusterChanged({ event: 'node labels', node: makeNode('a') });
  expect(queue.depths).toEqual({ active: 0, backoff: 0, unschedulable: 1 });
  queue.clusterChanged({ event: 'node added', node: makeNode('a') });
  expect(queue.depths).toEqual({ active: 0, backoff: 1, unschedulable: 0 });
  await clock.advance(1000);
  expect(await next()).toBe('p');
});

test('back-off doubles from one second to ten', async () => {
  const { clock, queue } = open();
  const waits: number[] = [];
  queue.add(makePod('p'));
  for (let attempt = 0; attempt < 6; attempt++) {
    await queue.next(signal);
    queue.failed('uid-p', new Set());
    const fromMs = clock.now();
    await clock.advanceUntil(() => queue.depths.active === 1);
    waits.push(clock.now() - fromMs);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('an event during the attempt is not lost', async () => {
  const { queue, next } = open();
  queue.add(makePod('p', { cpu: '1' }));
  await next();
  queue.clusterChanged({ event: 'assigned pod deleted', oldPod: makePod('other', {}, { nodeName: 'a' }) });
  queue.failed('uid-p', fits);
  expect(queue.depths.backoff).toBe(1);
});

test('without any event it is tried again after five minutes', async () => {
  const { clock, queue, next } = open();
  queue.add(makePod('p'));
  await next();
  queue.failed('uid-p', fits);
  await clock.advance(4 * 60_000);
  expect(queue.depths.unschedulable).toBe(1);
  await clock.advance(2 * 60_000);
  expect(await next()).toBe('p');
});

test('a removed pod never comes out, and leaves no timer', async () => {
  const { clock, queue, next } = open();
  queue.add(makePod('p'));
  await next();
  queue.failed('uid-p', new Set());
  queue.remove('uid-p');
  expect(queue.depths).toEqual({ active: 0, backoff: 0, unschedulable: 0 });
  expect(clock.timers).toBe(0);
});

test('a change of the pod itself counts when its spec changed, not its status', async () => {
  const { queue, next } = open();
  const pod = makePod('p', { cpu: '1' });
  queue.add(pod);
  await next();
  queue.failed('uid-p', fits);
  const marked: corev1.Pod = { ...pod, status: { conditions: [{ type: 'PodScheduled', status: 'False' }] } };
  queue.update(marked, pod);
  expect(queue.depths.unschedulable).toBe(1);
  queue.update(makePod('p', { cpu: '500m' }), marked);
  expect(queue.depths.backoff).toBe(1);
});
