/**
 * What names cost: the server of a node with 10,000 Services in a process of its own, asked by another. Questions a core are what it answers
 * divided by the processor time that it used, so that a machine with few cores measures the server and not who asks.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { run } from '../src/base/index.ts';
import type { DnsLoadJob, DnsLoadResult } from './dns-load.ts';
import { type Figure, median } from './figure.ts';
import { anonymousMib, cpuSeconds } from './process-cost.ts';

/** Before what else runs on the machine, where that is allowed. */
const niceness = -10;
const services = 10_000;
const offered = 20_000;
const seconds = 3;
const rounds = 3;

export async function measureDns(): Promise<Figure[]> {
  const empty = await serve(0);
  const emptyMib = anonymousMib(empty.pid);
  empty.process.kill('SIGKILL');
  const server = await serve(services);
  try {
    const job = { port: server.port, services, seconds };
    await ask({ ...job, seconds: 1 });
    const perCore: number[] = [];
    const offers: DnsLoadResult[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = cpuSeconds(server.pid);
      const { answered } = await ask(job);
      perCore.push(answered / (cpuSeconds(server.pid) - before));
      offers.push(await ask({ ...job, perSecond: offered }));
    }
    const lost = offers.reduce((sum, each) => sum + each.lost, 0) / offers.reduce((sum, each) => sum + each.answered + each.lost, 0);
    const at = `at ${offered.toLocaleString('en')}/s`;
    return [
      { name: '10,000 Services, questions a core', value: median(perCore), unit: '/s', goal: '≥ 20,000' },
      { name: `answered ${at}, p50`, value: median(offers.map(({ p50Ms }) => p50Ms)), unit: 'ms' },
      { name: `answered ${at}, p99`, value: median(offers.map(({ p99Ms }) => p99Ms)), unit: 'ms', goal: '≤ 5' },
      { name: `lost ${at}`, value: lost * 100, unit: '%', goal: '≤ 0.1' },
      { name: 'memory for 10,000 Services', value: anonymousMib(server.pid) - emptyMib, unit: 'MiB' },
    ];
  } finally {
    server.process.kill('SIGKILL');
  }
}

async function serve(count: number): Promise<{ readonly process: ChildProcess; readonly pid: number; readonly port: number }> {
  // As little room for young objects as the thread of an agent has.
  const flags = ['--max-semi-space-size=5'];
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, 'dns-server.ts'), `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  preferred(child.pid!);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { process: child, pid: child.pid!, port: Number(line) };
}

function preferred(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // Not root: the figures are then those of a machine that is shared.
  }
}

async function ask(job: DnsLoadJob): Promise<DnsLoadResult> {
  const { stdout } = await run([process.execPath, join(import.meta.dirname, 'dns-load.ts'), JSON.stringify(job)]);
  return JSON.parse(stdout) as DnsLoadResult;
}
