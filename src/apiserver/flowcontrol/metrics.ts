/**
 * Upstream's metrics of flow control. What is counted are plain numbers on the levels and schemas; they are told when somebody reads.
 * @source apiserver util/flowcontrol/metrics/metrics.go
 */
import { Counter, Gauge, Histogram, type Registry } from '../../base/index.ts';
import type { FlowController } from './flow-controller.ts';
import type { FlowCounts, FlowSchemaState } from './flow-schemas.ts';
import type { PriorityLevel } from './priority-level.ts';

const prefix = 'apiserver_flowcontrol_';
const flowLabels = ['priority_level', 'flow_schema'] as const;
const waitBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

/** @returns to be told of every request that had to wait */
export function registerFlowMetrics(
  registry: Registry,
  controllerOf: () => FlowController,
): (schema: FlowSchemaState, waitedMs: number, dispatched: boolean) => void {
  const registers = [registry];
  countOfFlows(registers, controllerOf);
  gaugesOfFlows(registers, controllerOf);
  gaugesOfLevels(registers, controllerOf);
  const waits = new Histogram({
    name: `${prefix}request_wait_duration_seconds`,
    help: 'How long requests waited in queues; those that did not wait are not counted.',
    labelNames: [...flowLabels, 'execute'],
    buckets: waitBuckets,
    registers,
  });
  return ({ name, level }, waitedMs, dispatched) => {
    waits.observe({ priority_level: level.name, flow_schema: name, execute: String(dispatched) }, waitedMs / 1000);
  };
}

function countOfFlows(registers: Registry[], controllerOf: () => FlowController): void {
  const dispatched = new Counter({
    name: `${prefix}dispatched_requests_total`,
    help: 'Requests that began to run.',
    labelNames: flowLabels,
    registers,
    collect: () => {
      dispatched.reset();
      for (const { name, level, counts } of controllerOf().schemas) {
        dispatched.inc({ priority_level: level.name, flow_schema: name }, counts.dispatched);
      }
    },
  });
  const rejected = new Counter({
    name: `${prefix}rejected_requests_total`,
    help: 'Requests that were refused, by reason.',
    labelNames: [...flowLabels, 'reason'],
    registers,
    collect: () => {
      rejected.reset();
      for (const { name, level, counts } of controllerOf().schemas) {
        for (const [reason, count] of counts.rejected) rejected.inc({ priority_level: level.name, flow_schema: name, reason }, count);
      }
    },
  });
}

function gaugesOfFlows(registers: Registry[], controllerOf: () => FlowController): void {
  const gauges: readonly (readonly [string, string, (counts: FlowCounts) => number])[] = [
    ['current_executing_requests', 'Requests that run, watches only until they have begun.', ({ executing }) => executing],
    ['current_executing_seats', 'Seats of the requests that run.', ({ executingSeats }) => executingSeats],
    ['current_inqueue_requests', 'Requests that wait.', ({ waiting }) => waiting],
    ['current_inqueue_seats', 'Seats of the requests that wait.', ({ waitingSeats }) => waitingSeats],
  ];
  for (const [name, help, read] of gauges) {
    const gauge = new Gauge({
      name: prefix + name,
      help,
      labelNames: flowLabels,
      registers,
      collect: () => {
        for (const schema of controllerOf().schemas) {
          gauge.set({ priority_level: schema.level.name, flow_schema: schema.name }, read(schema.counts));
        }
      },
    });
  }
}

function gaugesOfLevels(registers: Registry[], controllerOf: () => FlowController): void {
  const gauges: readonly (readonly [string, string, (level: PriorityLevel) => number])[] = [
    ['nominal_limit_seats', 'Seats that a level has by right.', ({ settings }) => settings.limits.nominal],
    ['lower_limit_seats', 'Seats that a level keeps when it lends all it may.', ({ settings }) => settings.limits.lower],
    ['upper_limit_seats', 'Seats that a level has when it borrows all it may.', ({ settings }) => settings.limits.upper],
    ['current_limit_seats', 'Seats that a level has now.', ({ limit }) => limit],
    ['request_concurrency_limit', 'Seats that a level has by right.', ({ settings }) => settings.limits.nominal],
    ['request_concurrency_in_use', 'Seats that are taken.', ({ seatsInUse }) => seatsInUse],
    ['demand_seats_high_watermark', 'Most seats that were wanted since the last round of borrowing.', ({ demand }) => demand.highest],
    ['demand_seats_smoothed', 'Seats that were wanted, smoothed.', ({ smoothed }) => smoothed],
    [
      'target_seats',
      'Seats that a level was meant to get in the last round.',
      (level) => controllerOf().borrowing.targets.get(level.name) ?? 0,
    ],
  ];
  for (const [name, help, read] of gauges) {
    const gauge = new Gauge({
      name: prefix + name,
      help,
      labelNames: ['priority_level'],
      registers,
      collect: () => {
        for (const level of controllerOf().levels.values()) gauge.set({ priority_level: level.name }, read(level));
      },
    });
  }
  const fraction: Gauge = new Gauge({
    name: `${prefix}seat_fair_frac`,
    help: 'The part of its target that each level got in the last round of borrowing.',
    registers,
    collect: () => {
      fraction.set(controllerOf().borrowing.fraction);
    },
  });
}
