import { describe, expect, it } from 'vitest';
import { parseKubeletText, type UsagePoint } from './kubelet-text.ts';
import { UsageHistory } from './usage-history.ts';
import { usageBetween, windowText } from './usage-window.ts';

const text = `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",namespace="default",pod="web-1"} 4.5 1700000000000
container_cpu_usage_seconds_total{container="we\\"ird",namespace="default",pod="web-1"} 0 1700000000000
container_memory_working_set_bytes{container="main",namespace="default",pod="web-1"} 1048576 1700000000000
container_memory_working_set_bytes{container="half",namespace="default",pod="web-1"} 4096 1700000000000
container_start_time_seconds{container="main",namespace="default",pod="web-1"} 1699999000.25
node_cpu_usage_seconds_total 1e+02 1700000000001
node_memory_working_set_bytes 2e9 1700000000001
pod_cpu_usage_seconds_total{namespace="default",pod="web-1"} 5 1700000000000
resource_scrape_error 0
nonsense{
container_cpu_usage_seconds_total{container="main",namespace="default",pod="web-2"} NaN 1700000000000
`;

describe('the text of a kubelet', () => {
  it('is read by container, and what is not whole is left out', () => {
    const { node, pods } = parseKubeletText(text);
    expect(node).toEqual({ timeMs: 1_700_000_000_001, cpuSeconds: 100, memoryBytes: 2e9 });
    expect([...pods].map(([pod, containers]) => [pod, Object.fromEntries(containers)])).toEqual([
      ['default/web-1', { main: { timeMs: 1_700_000_000_000, cpuSeconds: 4.5, memoryBytes: 1_048_576, startMs: 1_699_999_000_250 } }],
    ]);
  });

  it('may be empty', () => {
    expect(parseKubeletText('')).toEqual({ node: undefined, pods: new Map() });
  });
});

const at = (second: number, cpuSeconds: number, memoryBytes = 1024, startSecond?: number): UsagePoint => ({
  timeMs: second * 1000,
  cpuSeconds,
  memoryBytes,
  ...(startSecond !== undefined && { startMs: startSecond * 1000 }),
});

describe('usage between two looks', () => {
  const rows: [string, UsagePoint | undefined, UsagePoint, { cpu: string; memory: string; window: string } | undefined][] = [
    ['a rate of CPU', at(100, 1), at(115, 4), { cpu: '200m', memory: '1Ki', window: '15s' }],
    ['down to billionths', at(100, 1), at(115, 1.0000003), { cpu: '20n', memory: '1Ki', window: '15s' }],
    ['nothing', at(100, 1), at(115, 1, 0), { cpu: '0', memory: '0', window: '15s' }],
    ['an odd time and size', at(100, 0), at(115.062, 15.062, 123_457), { cpu: '1', memory: '123457', window: '15.062s' }],
    ['not from one look', undefined, at(115, 4), undefined],
    ['not at one time', at(115, 1), at(115, 1), undefined],
    ['not when the counter went back', at(100, 9), at(115, 1), undefined],
    [
      'from a start between the looks, in its first seconds',
      undefined,
      at(115, 3, 1024, 103),
      { cpu: '250m', memory: '1Ki', window: '12s' },
    ],
    ['not from a start just now', undefined, at(115, 3, 1024, 106), undefined],
    ['not from a start long ago', undefined, at(115, 3, 1024, 90), undefined],
    ['of a container that was started again', at(100, 9, 1024, 50), at(115, 12, 1024, 103), { cpu: '1', memory: '1Ki', window: '12s' }],
  ];
  it.each(rows)('%s', (_, before, now, expected) => {
    const window = usageBetween(before, now, { periodMs: 15_000 });
    expect(window && { ...window.usage, window: windowText(window) }).toEqual(expected);
  });
});

describe('the history of a node', () => {
  const sample = (second: number, containers: Readonly<Record<string, number>>) => ({
    node: at(second, second / 2),
    pods: new Map([['default/web', new Map(Object.entries(containers).map(([name, cpu]) => [name, at(second, cpu)]))]]),
  });

  it('tells of pods when it can tell of all their containers', () => {
    const history = new UsageHistory(15_000);
    history.add('n', sample(100, { a: 1 }));
    expect([history.isKnown('n'), history.node('n'), history.pod('n', 'default/web')]).toEqual([false, undefined, undefined]);
    history.add('n', sample(115, { a: 2, late: 1 }));
    expect([history.isKnown('n'), history.node('n')?.usage.cpu, history.pod('n', 'default/web')]).toEqual([true, '500m', undefined]);
    history.add('n', sample(130, { a: 3, late: 4 }));
    expect([...history.pod('n', 'default/web')!].map(([name, { usage }]) => `${name} ${usage.cpu}`)).toEqual(['a 66666667n', 'late 200m']);
    expect(history.pod('n', 'default/other')).toBeUndefined();
  });

  it('keeps what it has when it looks at the same figures again, and forgets nodes that are gone', () => {
    const history = new UsageHistory(15_000);
    for (const second of [100, 115, 115]) history.add('n', sample(second, { a: second / 10 }));
    expect(history.node('n')?.windowMs).toBe(15_000);
    history.keep(new Set());
    expect(history.node('n')).toBeUndefined();
  });
});
