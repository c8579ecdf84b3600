/**
 * What a kubelet tells at `/metrics/resource`, read from its text: counters and sizes of the node and of each container at one time.
 * Pure; families that nobody asks for are passed over.
 * @source metrics-server pkg/scraper/client/resource/decode.go, v0.8
 */

/** What one thing has used up to a moment. */
export interface UsagePoint {
  readonly timeMs: number;
  /** Since it was started. */
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  /** When it was started; undefined: not told. */
  readonly startMs?: number | undefined;
}

/** A node and its containers at one time. */
export interface NodeSample {
  readonly node: UsagePoint | undefined;
  /** By `namespace/name` of the pod, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, UsagePoint>>;
}

interface Draft {
  timeMs?: number;
  cpuSeconds?: number;
  memoryBytes?: number;
  startMs?: number;
}

const line = /^([a-z_]+)(?:\{(.*)\})? ([^ ]+)(?: (\d+))?$/;
const label = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/** Lines that are none of what is known are passed over; a container without CPU or memory is not in the sample. */
export function parseKubeletText(text: string): NodeSample {
  const node: Draft = {};
  const containers = new Map<string, Map<string, Draft>>();
  for (const row of text.split('\n')) {
    if (row === '' || row.startsWith('#')) continue;
    const match = line.exec(row);
    if (!match) continue;
    const [, family = '', labels = '', valueText = '', timeText] = match;
    const value = Number(valueText);
    if (!Number.isFinite(value)) continue;
    const timeMs = timeText === undefined ? undefined : Number(timeText);
    if (family.startsWith('node_')) note(node, { what: family.slice('node_'.length), value, timeMs });
    if (family.startsWith('container_')) {
      const { namespace, pod, container } = Object.fromEntries(
        [...labels.matchAll(label)].map(([, name, text]) => [name, unescape(text!)]),
      );
      if (namespace === undefined || pod === undefined || container === undefined) continue;
      const ofPod = getOrMake(containers, `${namespace}/${pod}`, () => new Map<string, Draft>());
      note(
        getOrMake(ofPod, container, () => ({})),
        { what: family.slice('container_'.length), value, timeMs },
      );
    }
  }
  return { node: pointOf(node), pods: new Map([...containers].map(([pod, drafts]) => [pod, pointsOf(drafts)])) };
}

function note(
  draft: Draft,
  { what, value, timeMs }: { readonly what: string; readonly value: number; readonly timeMs: number | undefined },
): void {
  if (what === 'cpu_usage_seconds_total') {
    draft.cpuSeconds = value;
    // The rate is of CPU, so its time is the one that counts.
    if (timeMs !== undefined) draft.timeMs = timeMs;
  }
  if (what === 'memory_working_set_bytes') draft.memoryBytes = value;
  if (what === 'start_time_seconds') draft.startMs = value * 1000;
}

function pointsOf(drafts: ReadonlyMap<string, Draft>): Map<string, UsagePoint> {
  const points = new Map<string, UsagePoint>();
  for (const [name, draft] of drafts) {
    const point = pointOf(draft);
    if (point) points.set(name, point);
  }
  return points;
}

function pointOf({ timeMs, cpuSeconds, memoryBytes, startMs }: Draft): UsagePoint | undefined {
  if (timeMs === undefined || cpuSeconds === undefined || memoryBytes === undefined) return undefined;
  return { timeMs, cpuSeconds, memoryBytes, ...(startMs !== undefined && { startMs }) };
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

function getOrMake<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
