/**
 * What an autoscaler remembers of its last minutes: numbers that it recommended, and changes that it made. Lost with the process, which
 * then scales down no sooner, since it begins with what there is.
 * @source pkg/controller/podautoscaler/horizontal.go timestampedRecommendation, timestampedScaleEvent, v1.35
 */

export interface Recommendation {
  readonly replicas: number;
  readonly timeMs: number;
}

/** A change of size, counted without its sign. */
export interface ScaleEvent {
  readonly change: number;
  readonly timeMs: number;
}

export interface Recent {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleEvent[];
  readonly downs: readonly ScaleEvent[];
}

/** What one begins with: the size that is there counts as recommended. */
export function firstRecent(replicas: number, timeMs: number): Recent {
  return { recommendations: [{ replicas, timeMs }], ups: [], downs: [] };
}

/** @param keepMs how far back anybody looks */
export function withRecommendation(recent: Recent, { replicas, timeMs }: Recommendation, keepMs: number): Recent {
  const kept = recent.recommendations.filter((one) => one.timeMs >= timeMs - keepMs);
  return { ...recent, recommendations: [...kept, { replicas, timeMs }] };
}

/** @param options.keepMs the longest period that a policy counts over */
export function withChange(
  recent: Recent,
  { from, to, timeMs, keepMs }: { readonly from: number; readonly to: number; readonly timeMs: number; readonly keepMs: number },
): Recent {
  const event = { change: Math.abs(to - from), timeMs };
  const kept = (events: readonly ScaleEvent[]): ScaleEvent[] => events.filter((one) => one.timeMs >= timeMs - keepMs);
  return to > from ? { ...recent, ups: [...kept(recent.ups), event] } : { ...recent, downs: [...kept(recent.downs), event] };
}

export function changeWithin(events: readonly ScaleEvent[], periodSeconds: number, nowMs: number): number {
  return events.filter(({ timeMs }) => timeMs > nowMs - periodSeconds * 1000).reduce((sum, { change }) => sum + change, 0);
}
