/**
 * What the API server does with very many: crowds of watchers that are told, cancel or come back at once, and very long lists. While a
 * crowd is at work, somebody else reads one object over and over: nobody may stall the server for others.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CrowdJob, CrowdResult } from './api-crowd.ts';
import { type BareControlPlane, startBareControlPlane } from './bare-control-plane.ts';
import { type Figure } from './figure.ts';
import { H2Connection, type H2Target } from './h2-client.ts';

const crowdProgram = fileURLToPath(new URL('./api-crowd.ts', import.meta.url));
const probePath = '/api/v1/namespaces/kube-system';

const watches = 5_000;
const cancelled = 2_000;
const shownWatches = watches.toLocaleString('en');

export async function measureCrowds(): Promise<Figure[]> {
  await using knarr = await startBareControlPlane();
  const shared = await crowd(knarr, { scenario: 'fan-out', watches, connections: 50, rounds: 10 });
  const own = await crowd(knarr, { scenario: 'fan-out', watches, connections: 0, rounds: 10 });
  const ended = await crowd(knarr, { scenario: 'cancel', watches: cancelled, connections: 1, rounds: 1 });
  const returned = await crowd(knarr, { scenario: 'return', watches, connections: 0, rounds: 1 });
  return [
    { name: `${shownWatches} watches on 50 connections told, p99`, value: shared.p99Ms, unit: 'ms', goal: '≤ 100' },
    { name: `${shownWatches} watches on as many connections told, p99`, value: own.p99Ms, unit: 'ms', goal: '≤ 400' },
    { name: `${shownWatches} clients come: each, CPU of the server`, value: own.openCpuMs / watches, unit: 'ms' },
    {
      name: `${cancelled.toLocaleString('en')} watches cancelled: longest GET beside`,
      value: ended.longestGetMs,
      unit: 'ms',
      goal: '≤ 1,000',
    },
    { name: `${shownWatches} clients come back: longest GET beside`, value: returned.longestGetMs, unit: 'ms', goal: '≤ 1,000' },
    { name: `${shownWatches} clients come back: all watch again`, value: returned.takenMs / 1000, unit: 's' },
  ];
}

/** The load comes from a process of its own; the probe is this one. */
async function crowd(
  { target, pid }: BareControlPlane,
  job: Omit<CrowdJob, 'target' | 'pid'>,
): Promise<CrowdResult & { readonly longestGetMs: number }> {
  const probing = new AbortController();
  const child = spawn(process.execPath, [crowdProgram, JSON.stringify({ ...job, target, pid })], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let probe = job.scenario === 'return' ? undefined : probeGets(target, probing.signal);
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString();
    if (text.startsWith('again')) probe ??= probeGets(target, probing.signal);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  probing.abort();
  const gets = (await probe) ?? [];
  if (code !== 0) throw new Error(`the crowd of "${job.scenario}" ended with ${code}`);
  // The last line is `api-crowd.ts`'s result.
  return { ...(JSON.parse(text.trim().split('\n').at(-1)!) as CrowdResult), longestGetMs: Math.max(0, ...gets) };
}

/** One GET after the other until the signal; how long each took. */
export async function probeGets(target: H2Target, signal: AbortSignal): Promise<number[]> {
  using connection = await H2Connection.open(target);
  const taken: number[] = [];
  while (!signal.aborted) {
    const start = performance.now();
    const { status } = await connection.request({ method: 'GET', path: probePath });
    if (status !== 200) throw new Error(`GET ${probePath} was answered ${status}`);
    taken.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return taken;
}
