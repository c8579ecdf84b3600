import { expect, test } from 'vitest';
import type { flowcontrolv1, KubeObject, ResourceRef } from '../../api/index.ts';
import { mandatoryFlowSchemas, mandatoryPriorityLevels, suggestedFlowSchemas, suggestedPriorityLevels } from '../../api/kinds/index.ts';
import { VirtualClock } from '../../base/index.ts';
import type { UserInfo } from '../request.ts';
import { parseRequestInfo } from '../routing/request-info.ts';
import type { Seat } from './flow-control.ts';
import { FlowController } from './flow-controller.ts';
import { Overloaded } from './overloaded.ts';

const everyone = 'system:authenticated';
const jane: UserInfo = { name: 'jane', groups: [everyone] };
const john: UserInfo = { name: 'john', groups: [everyone] };
const admin: UserInfo = { name: 'admin', groups: ['system:masters', everyone] };
const node: UserInfo = { name: 'system:node:a', groups: ['system:nodes', everyone] };
const account: UserInfo = { name: 'system:serviceaccount:kube-system:x', groups: ['system:serviceaccounts', everyone] };
const manager: UserInfo = { name: 'system:kube-controller-manager', groups: [everyone] };

type Level = flowcontrolv1.PriorityLevelConfiguration;
type Schema = flowcontrolv1.FlowSchema;

interface World {
  readonly levels: Level[];
  readonly schemas: Schema[];
  readonly clock: VirtualClock;
  readonly controller: FlowController;
  readonly ask: (user: UserInfo, request: string, signal?: AbortSignal) => ReturnType<FlowController['admit']>;
}

function world(options: { readonly totalSeats?: number; readonly watches?: number; readonly objects?: number } = {}): World {
  const { totalSeats = 245, watches = 0, objects = 0 } = options;
  const clock = new VirtualClock(0);
  // What the keeper makes, as the registry would give it back.
  const made = (one: object): object => ({
    ...one,
    metadata: { ...(one as KubeObject).metadata, uid: `uid-${(one as KubeObject).metadata.name}` },
  });
  const levels = [...mandatoryPriorityLevels, ...suggestedPriorityLevels].map((one) => made(one) as Level);
  const schemas = [...mandatoryFlowSchemas, ...suggestedFlowSchemas].map((one) => made(one) as Schema);
  const controller = new FlowController({
    registry: {
      cachedList: <T extends KubeObject>({ plural }: ResourceRef<T>) => (plural === 'flowschemas' ? schemas : levels) as unknown as T[],
    },
    clock,
    totalSeats,
    waitLimitMs: 15_000,
    usageOf: () => ({ objects, watches, averageBytes: () => 10_000 }),
  });
  return {
    levels,
    schemas,
    clock,
    controller,
    ask: (user, request, signal = new AbortController().signal) => {
      const [method = '', target = ''] = request.split(' ');
      return controller.admit({ user, info: parseRequestInfo(method, target), method, signal });
    },
  };
}

const shortLevel = (limitResponse: flowcontrolv1.LimitResponse): Partial<Level> => ({
  spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse } },
});

/** A world in which everybody who is nobody special shares two seats. */
function narrowWorld(limitResponse: flowcontrolv1.LimitResponse): World {
  const made = world({ totalSeats: 227 });
  const at = made.levels.findIndex(({ metadata }) => metadata.name === 'global-default');
  made.levels[at] = { ...made.levels[at]!, ...shortLevel(limitResponse) };
  return made;
}

const queueing = { type: 'Queue', queuing: { queues: 8, handSize: 2, queueLengthLimit: 3 } };

test.each<[UserInfo, string, string]>([
  [admin, 'GET /api/v1/pods', 'exempt'],
  [jane, 'GET /healthz', 'probes'],
  [jane, 'POST /healthz', 'global-default'],
  [node, 'PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a', 'system-node-high'],
  [node, 'PATCH /api/v1/nodes/a/status', 'system-node-high'],
  [node, 'GET /api/v1/pods', 'system-nodes'],
  [manager, 'GET /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x', 'system-leader-election'],
  [manager, 'POST /api/v1/namespaces/default/endpoints', 'endpoint-controller'],
  [manager, 'GET /api/v1/pods', 'kube-controller-manager'],
  [account, 'GET /api/v1/namespaces/x/configmaps/y', 'workload-leader-election'],
  [account, 'GET /api/v1/pods', 'kube-system-service-accounts'],
  [{ name: 'system:serviceaccount:x:y', groups: ['system:serviceaccounts'] }, 'GET /api/v1/pods', 'service-accounts'],
  [jane, 'GET /api/v1/pods', 'global-default'],
  [{ name: 'nobody', groups: [] }, 'GET /api/v1/pods', 'catch-all'],
])('%o asking %s belongs to %s', (user, request, schema) => {
  const { ask } = world();
  const seat = ask(user, request) as Seat;
  expect(seat.headers?.['x-kubernetes-pf-flowschema-uid']).toBe(`uid-${schema}`);
});

test('levels have what their shares give them', () => {
  const { controller } = world({ totalSeats: 600 });
  controller.refresh();
  const limits = Object.fromEntries([...controller.levels].map(([name, { settings }]) => [name, settings.limits]));
  expect(limits['workload-low']).toEqual({ nominal: 245, lower: 24, upper: 600 });
  expect(limits['leader-election']).toEqual({ nominal: 25, lower: 25, upper: 600 });
  expect(limits['exempt']).toEqual({ nominal: 0, lower: 0, upper: 600 });
});

test('a level that does not queue refuses what is beyond its seats, and gives them out again', () => {
  const { ask, controller } = narrowWorld({ type: 'Reject' });
  const [first] = [ask(jane, 'GET /version') as Seat, ask(jane, 'GET /version')];
  expect(() => ask(jane, 'GET /version')).toThrow(Overloaded);
  expect(ask(admin, 'GET /version')).toBeDefined();
  first.release();
  first.release();
  expect(ask(jane, 'GET /version')).not.toBeInstanceOf(Promise);
  expect(() => ask(jane, 'GET /version')).toThrow('Too many requests, please try again later.');
  expect(controller.levels.get('global-default')?.counts).toMatchObject({ dispatched: 3, rejected: 2 });
});

test('a level that queues lets the next one begin when a seat is free, and a modest flow before the rest of a greedy one', async () => {
  const { ask, clock, controller } = narrowWorld(queueing);
  const running = [ask(jane, 'GET /version'), ask(jane, 'GET /version')] as Seat[];
  const order: string[] = [];
  const waiting = [jane, jane, jane, jane, jane, john].map(async (user) => {
    const seat = await ask(user, 'GET /version');
    order.push(user.name);
    await clock.sleep(10, new AbortController().signal);
    seat!.release();
  });
  expect(controller.levels.get('global-default')?.waiting).toBe(6);
  running[0]!.release();
  await clock.advance(1_000);
  await Promise.all(waiting);
  expect(order).toHaveLength(6);
  expect(order.indexOf('john')).toBeLessThanOrEqual(2);
});

test('queues have an end', () => {
  const { ask } = narrowWorld(queueing);
  for (let i = 0; i < 2 + 2 * 3; i++) void Promise.resolve(ask(jane, 'GET /version')).catch(() => {});
  expect(() => ask(jane, 'GET /version')).toThrow(Overloaded);
  // Another flow has queues of its own.
  expect(ask(john, 'GET /version')).toBeInstanceOf(Promise);
});

test('waiting has an end: the time limit, or the client goes', async () => {
  const { ask, clock, controller } = narrowWorld(queueing);
  const gone = new AbortController();
  void [ask(jane, 'GET /version'), ask(jane, 'GET /version')];
  const cancelled = ask(jane, 'GET /version', gone.signal);
  const late = ask(jane, 'GET /version');
  const refusals = Promise.allSettled([cancelled, late]);
  gone.abort();
  await clock.advance(15_000);
  expect((await refusals).map((outcome) => outcome.status === 'rejected' && outcome.reason instanceof Overloaded)).toEqual([true, true]);
  expect(controller.levels.get('global-default')).toMatchObject({ waiting: 0, waitingSeats: 0, counts: { timedOut: 1, cancelled: 1 } });
});

test('watches have a seat while they begin; other long requests never', () => {
  const { ask } = world();
  expect(ask(jane, 'GET /api/v1/pods?watch=true')).toBeDefined();
  expect(ask(jane, 'GET /api/v1/namespaces/x/pods/y/log')).toBeUndefined();
  expect(ask(jane, 'POST /api/v1/namespaces/x/pods/y/exec')).toBeUndefined();
});

test('lists of much take more seats, but never a whole level', () => {
  const { ask, controller } = world({ totalSeats: 2_450, objects: 1_000 });
  const level = (): number => controller.levels.get('global-default')!.seatsInUse;
  (ask(jane, 'GET /api/v1/pods?limit=15') as Seat).release();
  void ask(jane, 'GET /api/v1/pods?limit=15');
  expect(level()).toBe(2);
  void ask(jane, 'GET /api/v1/pods');
  expect(level()).toBe(2 + 10);
  void ask(jane, 'GET /api/v1/pods?watch=true&sendInitialEvents=true');
  expect(level()).toBe(2 + 10 + 10);
  void ask(jane, 'GET /api/v1/namespaces/x/pods/y');
  expect(level()).toBe(2 + 10 + 10 + 1);
});

test('a write that many watch keeps seats for a moment after its answer', async () => {
  const { ask, clock, controller } = world({ watches: 20 });
  const seat = ask(jane, 'POST /api/v1/namespaces/x/pods') as Seat;
  const level = controller.levels.get('global-default')!;
  expect(level.seatsInUse).toBe(1);
  seat.release();
  expect(level.seatsInUse).toBe(2);
  await clock.advance(5);
  expect(level.seatsInUse).toBe(0);
});

test('a level borrows what others do not need, and gives it back', async () => {
  const { ask, clock, controller } = world({ totalSeats: 245 });
  const seats: Seat[] = [];
  for (let i = 0; i < 40; i++) {
    void Promise.resolve(ask({ name: `u${i}`, groups: [everyone] }, 'GET /version')).then((seat) => seats.push(seat!));
  }
  const level = controller.levels.get('global-default')!;
  expect([level.limit, level.seatsInUse, level.waiting]).toEqual([20, 20, 20]);
  await clock.advance(10_000);
  expect(level.limit).toBeGreaterThanOrEqual(40);
  expect(level.waiting).toBe(0);
  const total = [...controller.levels.values()].reduce((sum, { limit }) => sum + limit, 0);
  expect(total).toBeLessThanOrEqual(245 + controller.levels.size);
  for (const seat of seats) seat.release();
  await clock.advance(3_600_000);
  expect([...controller.levels.values()].every(({ limit, settings }) => limit >= settings.limits.nominal)).toBe(true);
});

test('a schema that leads nowhere matches nothing, and a level that goes ends with its last request', () => {
  const { ask, controller, levels } = world();
  const seat = ask(jane, 'GET /version') as Seat;
  levels.splice(
    levels.findIndex(({ metadata }) => metadata.name === 'global-default'),
    1,
  );
  controller.changed();
  expect((ask(jane, 'GET /version') as Seat).headers?.['x-kubernetes-pf-flowschema-uid']).toBe('uid-catch-all');
  expect(controller.levels.get('global-default')?.isQuiescing).toBe(true);
  seat.release();
  controller.changed();
  controller.refresh();
  expect(controller.levels.has('global-default')).toBe(false);
});

test('a request costs little while nobody waits', () => {
  const { controller } = world();
  const request = {
    user: node,
    info: parseRequestInfo('GET', '/api/v1/namespaces/x/pods/y'),
    method: 'GET',
    signal: new AbortController().signal,
  };
  const run = (times: number): number => {
    const beganMs = performance.now();
    for (let i = 0; i < times; i++) (controller.admit(request) as Seat).release();
    return ((performance.now() - beganMs) * 1000) / times;
  };
  run(20_000);
  // Microseconds; a bound that holds on a busy machine too.
  expect(Math.min(...Array.from({ length: 10 }, () => run(5_000)))).toBeLessThan(20);
});
