/**
 * The API server by itself: a real control-plane process over LMDB, and beside it the least server that could answer (`api-skeleton.ts`),
 * under the same load in turn. The machine's own speed falls out of the ratio of the two; the rates are what this machine gave. Every
 * request passes RBAC, flow control, admission and the audit log.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../src/base/index.ts';
import type { LoadJob, LoadResult } from './api-load.ts';
import { type BareControlPlane, end, startBareControlPlane } from './bare-control-plane.ts';
import { bindUser } from './bound-user.ts';
import { type Figure, median } from './figure.ts';
import { H2Connection, type H2Target } from './h2-client.ts';
import { residentMib } from './process-cost.ts';

const rounds = 3;
const seconds = 3;
const restMs = 60_000;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Server {
  readonly pid: number;
  readonly target: H2Target;
}

interface Row {
  readonly name: string;
  readonly job: Partial<LoadJob> & Pick<LoadJob, 'scenario'>;
  /** What is told as the rate. */
  readonly rate: 'perSecond' | 'mbPerSecond';
  readonly goal: { readonly rate: string; readonly cpu?: string };
}

/** In this order: a list reads a namespace that only it writes to, and only in its first round. */
const rows: readonly Row[] = [
  { name: 'get', job: { scenario: 'get' }, rate: 'perSecond', goal: { rate: '≥ 18,000', cpu: '≤ 0.05' } },
  { name: 'durable create', job: { scenario: 'create' }, rate: 'perSecond', goal: { rate: '≥ 6,000', cpu: '≤ 0.18' } },
  { name: 'update', job: { scenario: 'update' }, rate: 'perSecond', goal: { rate: '≥ 5,500', cpu: '≤ 0.20' } },
  { name: 'unchanged apply', job: { scenario: 'apply' }, rate: 'perSecond', goal: { rate: '≥ 5,000', cpu: '≤ 0.20' } },
  {
    name: 'list of 10,000',
    job: { scenario: 'list', namespace: 'bench-list', inFlight: 1, objects: 10_000 },
    rate: 'mbPerSecond',
    goal: { rate: '≥ 600', cpu: '≤ 30' },
  },
  {
    name: 'events to 100 watches',
    job: { scenario: 'watch', watches: 100, updates: 3000 },
    rate: 'perSecond',
    goal: { rate: '≥ 150,000' },
  },
  {
    name: 'events to 1,000 watches',
    job: { scenario: 'watch', watches: 1000, updates: 500 },
    rate: 'perSecond',
    goal: { rate: '≥ 300,000' },
  },
];

export async function measureApi(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'kn-skeleton-'));
  try {
    await using plane = await startBareControlPlane({ audited: true });
    const knarr = { pid: plane.pid, target: await bindUser(plane) };
    await using skeleton = await startSkeleton(directory, plane);
    await createNamespace(knarr, 'bench-list');
    const before = residentMib(knarr.pid);
    const figures: Figure[] = [];
    for (const row of rows) figures.push(...(await measureRow(row, knarr, skeleton)));
    const loaded = residentMib(knarr.pid);
    await new Promise((resolve) => setTimeout(resolve, restMs));
    return [
      ...figures,
      { name: 'memory before the load', value: before, unit: 'MiB' },
      { name: 'memory at its end', value: loaded, unit: 'MiB' },
      { name: 'memory a minute later', value: residentMib(knarr.pid), unit: 'MiB' },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureRow({ name, job, rate, goal }: Row, knarr: Server, skeleton: Server): Promise<Figure[]> {
  const ours: LoadResult[] = [];
  const least: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) {
    const prefix = `${job.scenario}-${job.watches ?? 0}-${round}`;
    const whole: Omit<LoadJob, 'target' | 'pid'> = { connections: 4, inFlight: 8, seconds, namespace: 'default', ...job, prefix };
    const made = round === 0 ? whole : { ...whole, objects: 0 };
    ours.push(await load({ ...made, target: knarr.target, pid: knarr.pid }));
    least.push(await load({ ...made, target: skeleton.target, pid: skeleton.pid }));
  }
  const of = (results: readonly LoadResult[], what: keyof LoadResult): number => median(results.map((result) => result[what]));
  // Seconds for 1,000 operations are milliseconds for one.
  const perThousand = of(ours, 'cpuMicros') / 1000;
  return [
    { name, value: of(ours, rate), unit: rate === 'perSecond' ? '/s' : 'MB/s', goal: goal.rate },
    { name: `${name}, CPU s/1,000`, value: perThousand, unit: 's', ...(goal.cpu && { goal: goal.cpu }) },
    { name: `${name}, CPU × skeleton`, value: of(ours, 'cpuMicros') / of(least, 'cpuMicros'), unit: '×' },
    { name: `${name}, skeleton`, value: of(least, rate), unit: rate === 'perSecond' ? '/s' : 'MB/s' },
    { name: `${name}, client busy`, value: of(ours, 'clientBusy') * 100, unit: '%' },
  ];
}

/** The figures that no skeleton has, by themselves: a changed apply does what only an API server does. */
export async function measureApply(): Promise<Figure[]> {
  await using plane = await startBareControlPlane({ audited: true });
  const knarr = { pid: plane.pid, target: await bindUser(plane) };
  const results: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) {
    const job = {
      scenario: 'apply-changed',
      connections: 4,
      inFlight: 8,
      seconds,
      namespace: 'default',
      prefix: `changed-${round}`,
    } as const;
    results.push(await load({ ...job, target: knarr.target, pid: knarr.pid }));
  }
  return [
    { name: 'apply of a Deployment, one field changed', value: median(results.map((one) => one.perSecond)), unit: '/s', goal: '≥ 1,800' },
    { name: 'the same, CPU s/1,000', value: median(results.map((one) => one.cpuMicros)) / 1000, unit: 's' },
  ];
}

/** The load comes from a process of its own, new for every run. */
async function load(job: LoadJob): Promise<LoadResult> {
  const { stdout } = await run([process.execPath, here('./api-load.ts'), JSON.stringify(job)]);
  // One line, as `api-load.ts` prints it.
  return JSON.parse(stdout) as LoadResult;
}

async function startSkeleton(directory: string, { pki, target }: BareControlPlane): Promise<Server & AsyncDisposable> {
  const args = [here('./api-skeleton.ts'), join(directory, 'db'), join(pki, 'apiserver.crt'), join(pki, 'apiserver.key')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { pid: child.pid!, target: { ...target, port: Number(port.toString()) }, [Symbol.asyncDispose]: () => end(child) };
}

async function createNamespace({ target }: Server, name: string): Promise<void> {
  using connection = await H2Connection.open(target);
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const answer = await connection.request({ method: 'POST', path: '/api/v1/namespaces', body });
  if (answer.status !== 201) throw new Error(`namespace ${name}: ${answer.text()}`);
}
