/**
 * What `/debug/api_priority_and_fairness/` shows: levels, their queues, and the requests that run or wait.
 * @source apiserver util/flowcontrol/apf_controller_debug.go
 */
import type { RestEndpoint } from '../extension.ts';
import type { ApiResponse, RequestContext } from '../request.ts';
import type { FlowController } from './flow-controller.ts';
import type { FlowRequest } from './flow-control.ts';
import type { PriorityLevel } from './priority-level.ts';

type Row = readonly (string | number | boolean)[];

const notStarted = '0001-01-01T00:00:00Z';

export function debugEndpoints(controller: FlowController): RestEndpoint[] {
  const dumps: Readonly<Record<string, (ctx: RequestContext) => Row[]>> = {
    dump_priority_levels: () => [levelHeads, ...levelsOf(controller).map(levelRow)],
    dump_queues: () => [queueHeads, ...levelsOf(controller).flatMap(queueRows)],
    dump_requests: (ctx) => {
      const withDetails = (ctx.info.query.get('includeRequestDetails') ?? '') !== '';
      const heads = withDetails ? [...requestHeads, ...detailHeads] : requestHeads;
      return [
        heads,
        ...levelsOf(controller).flatMap((level) =>
          requestRows(level, { withDetails, nowMs: ctx.clock.now(), monotonicMs: ctx.clock.monotonic() }),
        ),
      ];
    },
  };
  return Object.entries(dumps).map(([name, rows]) => ({
    path: `/debug/api_priority_and_fairness/${name}`,
    methods: ['GET', 'HEAD'],
    handle: (ctx) => {
      const answer: ApiResponse = { type: 'bytes', status: 200, contentType: 'text/plain; charset=utf-8', body: aligned(rows(ctx)) };
      return Promise.resolve(answer);
    },
  }));
}

function levelsOf(controller: FlowController): PriorityLevel[] {
  controller.refresh();
  return [...controller.levels.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const levelHeads: Row = [
  'PriorityLevelName',
  'ActiveQueues',
  'IsIdle',
  'IsQuiescing',
  'WaitingRequests',
  'ExecutingRequests',
  'DispatchedRequests',
  'RejectedRequests',
  'TimedoutRequests',
  'CancelledRequests',
];

function levelRow({ name, queues, isIdle, isQuiescing, waiting, executing, counts }: PriorityLevel): Row {
  const active = queues.filter((queue) => queue.waiting.length > 0).length;
  const { dispatched, rejected, timedOut, cancelled } = counts;
  return [name, active, isIdle, isQuiescing, waiting, executing.size, dispatched, rejected, timedOut, cancelled];
}

const queueHeads: Row = [
  'PriorityLevelName',
  'Index',
  'PendingRequests',
  'ExecutingRequests',
  'SeatsInUse',
  'NextDispatchR',
  'InitialSeatsSum',
  'MaxSeatsSum',
  'TotalWorkSum',
];

function queueRows({ name, queues }: PriorityLevel): Row[] {
  return queues.map(({ index, waiting, executing, seatsInUse, nextBegin }) => {
    const seats = waiting.reduce((sum, { width }) => sum + width, 0);
    const work = `${(seats * 0.003).toFixed(8)}ss`;
    return [name, index, waiting.length, executing, seatsInUse, `${nextBegin.toFixed(8)}ss`, seats, seats, work];
  });
}

const requestHeads: Row = [
  'PriorityLevelName',
  'FlowSchemaName',
  'QueueIndex',
  'RequestIndexInQueue',
  'FlowDistingsher',
  'ArriveTime',
  'InitialSeats',
  'FinalSeats',
  'AdditionalLatency',
  'StartTime',
];
const detailHeads: Row = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];

function requestRows(
  level: PriorityLevel,
  options: { readonly withDetails: boolean; readonly nowMs: number; readonly monotonicMs: number },
): Row[] {
  const { withDetails, nowMs, monotonicMs } = options;
  const at = (readingMs: number): string => new Date(nowMs - (monotonicMs - readingMs)).toISOString();
  const details = (request: FlowRequest): Row => (withDetails ? detailsOf(request) : []);
  const running = [...level.executing].map(({ schema, width, request, beganMs, queue }): Row => {
    const began = at(beganMs);
    const latency = `${width.finalMs}${width.finalMs === 0 ? 's' : 'ms'}`;
    return [level.name, schema.name, queue?.index ?? -1, -1, '', began, width.seats, width.finalSeats, latency, began, ...details(request)];
  });
  const waiting = level.queues.flatMap((queue) =>
    queue.waiting.map(({ schema, distinguisher, width, arrivedMs, request }, i): Row => {
      return [level.name, schema.name, queue.index, i, distinguisher, at(arrivedMs), width, 0, '0s', notStarted, ...details(request)];
    }),
  );
  return [...running, ...waiting];
}

function detailsOf({ user, info }: FlowRequest): Row {
  const version = info.apiGroup === '' ? info.version : `${info.apiGroup}/${info.version}`;
  return [user.name, info.verb, info.path, info.namespace, info.name, version, info.resource, info.subresource];
}

/** Columns under each other, cells ended by commas. @source text/tabwriter as upstream sets it up */
function aligned(rows: readonly Row[]): string {
  const cells = rows.map((row) => row.map((cell, i) => (i < row.length - 1 ? `${cell},` : String(cell))));
  const widths: number[] = [];
  for (const row of cells) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 8, cell.length + 1);
  return cells.map((row) => `${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i]!) : cell)).join('')}\n`).join('');
}
