/** What the queue does, told as a transcript: each line is a step, and after it where every pod stands. */
import { expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { VirtualClock } from '../../base/index.ts';
import { PodInfo } from '../cluster/pod-info.ts';
import { PodShapes } from '../cluster/pod-shape.ts';
import { Action, type ClusterEvent, type Plugin, unresolvable } from '../framework/index.ts';
import { makeNode, makePod } from '../testdata/objects.ts';
import type { QueueEntry } from './queue-entry.ts';
import { QueueProfile } from './queue-profile.ts';
import { SchedulingQueue } from './scheduling-queue.ts';

const nodeAdd: ClusterEvent = { resource: 'Node', actions: Action.Add, label: 'NodeAdd' };
const nodeLabel: ClusterEvent = { resource: 'Node', actions: Action.UpdateNodeLabel, label: 'NodeUpdateNodeLabel' };
const claimAdd: ClusterEvent = { resource: 'PersistentVolumeClaim', actions: Action.Add, label: 'PersistentVolumeClaimAdd' };

/** Rejects nothing by itself; its name stands for what rejected a pod. */
const plugins: readonly Plugin[] = [
  {
    name: 'Fit',
    events: [
      { resource: 'Node', actions: Action.Add, hint: (pod, _old, node) => node?.metadata.name !== `too-small-for-${pod.metadata.name}` },
      { resource: 'Pod', actions: Action.UpdatePodScaleDown, hint: (pod, _old, current) => current?.metadata.uid === pod.metadata.uid },
    ],
  },
  { name: 'Volumes', events: [{ resource: 'PersistentVolumeClaim', actions: Action.Add }] },
  {
    name: 'Broken',
    events: [
      {
        resource: 'Node',
        actions: Action.UpdateNodeLabel,
        hint: () => {
          throw new Error('a bug');
        },
      },
    ],
  },
  {
    name: 'Gates',
    preEnqueue: ({ spec }) => (spec.schedulingGates?.length ? unresolvable('waiting for scheduling gates') : undefined),
    events: [{ resource: 'Pod', actions: Action.UpdatePodSchedulingGatesEliminated }],
  },
];

class Story {
  readonly clock = new VirtualClock();
  readonly lines: string[] = [];
  readonly #shapes = new PodShapes();
  readonly #profile = new QueueProfile(plugins);
  readonly #tried = new Map<string, QueueEntry>();
  readonly #pods = new Map<string, corev1.Pod>();
  readonly queue = new SchedulingQueue({
    clock: this.clock,
    less: (a, b) => (a.info.priority === b.info.priority ? a.queuedMs < b.queuedMs : a.info.priority > b.info.priority),
    profileOf: () => this.#profile,
    profiles: () => [this.#profile],
  });

  add(name: string, spec: Partial<corev1.PodSpec> = {}): void {
    const pod = makePod(name, { cpu: '2' }, spec);
    this.#pods.set(name, pod);
    this.queue.add(this.#info(pod));
    this.#tell(`add ${name}`);
  }

  update(name: string, requests: Readonly<Record<string, string>>, spec: Partial<corev1.PodSpec> = {}): void {
    const old = this.#pods.get(name)!;
    const pod = makePod(name, requests, spec);
    this.#pods.set(name, pod);
    this.queue.update(old, this.#info(pod));
    this.#tell(`update ${name}`);
  }

  try(): void {
    const entry = this.queue.pop();
    if (entry) this.#tried.set(entry.info.pod.metadata.name, entry);
    this.#tell(entry ? `try ${entry.info.pod.metadata.name}, attempt ${entry.attempts}` : 'try nobody');
  }

  reject(name: string, by: readonly string[], pending: readonly string[] = []): void {
    const outcome = { info: this.#info(this.#pods.get(name)!), rejectedBy: new Set(by), pendingBy: new Set(pending) };
    this.queue.failed(this.#tried.get(name)!, outcome);
    this.#tell(by.length + pending.length === 0 ? `error with ${name}` : `${[...by, ...pending].join(', ')} rejects ${name}`);
  }

  event(event: ClusterEvent, current: unknown = makeNode('a')): void {
    this.queue.move(event, { current });
    this.#tell(event.label ?? event.resource);
  }

  async wait(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.#tell(`${ms / 1000} s later`);
  }

  activate(name: string): void {
    this.queue.activate([this.#pods.get(name)!.metadata.uid]);
    this.#tell(`activate ${name}`);
  }

  delete(name: string): void {
    this.queue.delete(this.#pods.get(name)!.metadata.uid);
    this.#tell(`delete ${name}`);
  }

  #info(pod: corev1.Pod): PodInfo {
    return new PodInfo(pod, this.#shapes.of(pod));
  }

  #tell(step: string): void {
    const places = this.queue.pending().map(({ info, place, gatedBy }) => `${info.pod.metadata.name} ${gatedBy ? 'gated' : place}`);
    this.lines.push(`${step}: ${places.join(', ') || 'empty'}`);
  }
}

test('the more important pod comes first, then who came first', () => {
  const story = new Story();
  story.add('early');
  story.add('late');
  story.add('important', { priority: 10 });
  for (let i = 0; i < 4; i++) story.try();
  expect(story.lines.slice(3)).toEqual([
    'try important, attempt 1: early active, late active',
    'try early, attempt 1: late active',
    'try late, attempt 1: empty',
    'try nobody: empty',
  ]);
});

test('a pod that fits nowhere waits for an event that helps it, and for its back-off', async () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.reject('p', ['Fit']);
  story.event(nodeLabel);
  story.event(claimAdd);
  story.event(nodeAdd, makeNode('too-small-for-p'));
  story.event(nodeAdd);
  await story.wait(1000);
  expect(story.lines.slice(2)).toEqual([
    'Fit rejects p: p unschedulable',
    'NodeUpdateNodeLabel: p unschedulable',
    'PersistentVolumeClaimAdd: p unschedulable',
    'NodeAdd: p unschedulable',
    'NodeAdd: p backoff',
    '1 s later: p active',
  ]);
});

test('before it sits idle, the queue gives out who was rejected, but not who met an error', async () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.reject('p', []);
  story.try();
  await story.wait(1000);
  story.try();
  story.reject('p', ['Fit']);
  story.event(nodeAdd);
  story.try();
  expect(story.lines.slice(2)).toEqual([
    'error with p: p errorBackoff',
    'try nobody: p errorBackoff',
    '1 s later: p active',
    'try p, attempt 2: empty',
    'Fit rejects p: p unschedulable',
    'NodeAdd: p backoff',
    'try p, attempt 3: empty',
  ]);
});

test('back-off doubles from one second to ten, for errors and rejections apart', async () => {
  const story = new Story();
  const waits: Record<string, number[]> = { error: [], rejection: [] };
  story.add('p');
  for (const [kind, by] of [
    ['error', []],
    ['rejection', ['Fit']],
  ] as const) {
    for (let attempt = 0; attempt < 6; attempt++) {
      story.try();
      story.reject('p', by);
      if (by.length > 0) story.event(nodeAdd);
      const fromMs = story.clock.now();
      await story.clock.advanceUntil(() => story.queue.depths.active === 1);
      waits[kind]!.push(story.clock.now() - fromMs);
    }
  }
  expect(waits).toEqual({ error: [1000, 2000, 4000, 8000, 10_000, 10_000], rejection: [1000, 2000, 4000, 8000, 10_000, 10_000] });
});

test('an event during the attempt is not lost', () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.event(nodeAdd);
  story.reject('p', ['Fit']);
  expect(story.lines.slice(2)).toEqual(['NodeAdd: empty', 'Fit rejects p: p backoff']);
  expect(story.queue.inFlightEvents).toBe(0);
});

test('a pod that waits for something outside comes back at once, without back-off', () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.reject('p', [], ['Volumes']);
  story.event(claimAdd);
  expect(story.lines.slice(2)).toEqual(['Volumes rejects p: p unschedulable', 'PersistentVolumeClaimAdd: p active']);
});

test('a hint that throws lets the pod through', () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.reject('p', ['Broken']);
  story.event(nodeLabel);
  expect(story.lines.at(-1)).toBe('NodeUpdateNodeLabel: p backoff');
});

test('a gated pod stays out until its gates are lifted', () => {
  const story = new Story();
  story.add('p', { schedulingGates: [{ name: 'example.com/wait' }] });
  story.try();
  story.event(nodeAdd);
  story.update('p', { cpu: '1' }, { schedulingGates: [{ name: 'example.com/wait' }] });
  story.update('p', { cpu: '1' });
  expect(story.lines).toEqual(['add p: p gated', 'try nobody: p gated', 'NodeAdd: p gated', 'update p: p gated', 'update p: p active']);
});

test('a stuck pod that asks for less is tried again, one that asks for more is not', () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.reject('p', ['Fit']);
  story.update('p', { cpu: '3' });
  story.update('p', { cpu: '1' });
  expect(story.lines.slice(3)).toEqual(['update p: p unschedulable', 'update p: p backoff']);
});

test('whatever the events said, five minutes are enough', async () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.reject('p', ['Fit']);
  await story.wait(300_000);
  await story.wait(30_000);
  expect(story.lines.slice(3)).toEqual(['300 s later: p unschedulable', '30 s later: p active']);
});

test('a plugin may call a pod back whatever rejected it, even while it is tried', () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.reject('p', ['Volumes']);
  story.activate('p');
  story.try();
  story.activate('p');
  story.reject('p', ['Volumes']);
  expect(story.lines.slice(3)).toEqual([
    'activate p: p active',
    'try p, attempt 2: empty',
    'activate p: empty',
    'Volumes rejects p: p active',
  ]);
});

test('a pod that is deleted while it is tried does not come back', () => {
  const story = new Story();
  story.add('p');
  story.try();
  story.delete('p');
  story.add('q');
  story.delete('q');
  expect(story.lines.slice(2)).toEqual(['delete p: empty', 'add q: q active', 'delete q: empty']);
  expect(story.queue.inFlightEvents).toBe(0);
});

test('a nomination that only the scheduler knows of outlives updates of the pod', () => {
  const story = new Story();
  story.add('p');
  const info = story.queue.entry('uid-p')!.info;
  story.queue.nominated.nominate(info, 'a');
  story.update('p', { cpu: '1' });
  expect(story.queue.nominated.podsOn('a').map(({ uid }) => uid)).toEqual(['uid-p']);
  story.delete('p');
  expect([story.queue.nominated.any, story.queue.nominated.podsOn('a').length]).toEqual([false, 0]);
});
