/**
 * What was used between two looks: CPU as a rate over the time between them, memory as it was at the second. Pure.
 * @source metrics-server pkg/storage/{types,node,pod}.go, v0.8
 */
import { formatDuration, Quantity, type Usage } from '../../api/index.ts';
import type { UsagePoint } from './kubelet-text.ts';

export interface UsageWindow {
  /** The end of the window. */
  readonly timeMs: number;
  readonly windowMs: number;
  readonly usage: Usage;
}

/** A container that was started between two looks is measured from its start on, once that is this long ago. */
const freshAfterMs = 10_000;

/**
 * @param options.periodMs between two looks: what was started longer ago should have been seen before
 * @returns undefined when there is nothing to measure from
 */
export function usageBetween(
  before: UsagePoint | undefined,
  now: UsagePoint,
  options: { readonly periodMs: number },
): UsageWindow | undefined {
  const from = before && isSameRun(before, now) ? before : fromStart(now, options.periodMs);
  if (!from || now.timeMs <= from.timeMs) return undefined;
  const windowMs = now.timeMs - from.timeMs;
  const nanoCores = Math.round(((now.cpuSeconds - from.cpuSeconds) * 1e12) / windowMs);
  return {
    timeMs: now.timeMs,
    windowMs,
    usage: {
      cpu: new Quantity(BigInt(nanoCores), -9, 'DecimalSI').toString(),
      memory: new Quantity(BigInt(Math.round(now.memoryBytes)), 0, 'BinarySI').toString(),
    },
  };
}

/** A counter that went back belongs to another run. */
function isSameRun(before: UsagePoint, now: UsagePoint): boolean {
  return now.cpuSeconds >= before.cpuSeconds && (now.startMs === undefined || now.startMs <= before.timeMs);
}

function fromStart({ startMs, timeMs }: UsagePoint, periodMs: number): UsagePoint | undefined {
  if (startMs === undefined) return undefined;
  const ageMs = timeMs - startMs;
  return ageMs >= freshAfterMs && ageMs < periodMs ? { timeMs: startMs, cpuSeconds: 0, memoryBytes: 0 } : undefined;
}

/** As clients read it. */
export function windowText({ windowMs }: UsageWindow): string {
  return formatDuration(windowMs);
}
