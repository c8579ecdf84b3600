/**
 * `npm run bench [-- --only NAME --json FILE]`: every figure of docs/benchmarks.md, measured on this machine. Figures are for comparing runs
 * on one machine, never a test. `--only scheduler` takes `--workload NAME`, `--mode waiting|arriving`, `--specs N` and
 * `--scale SHARE` (as do `--only scale`, `--only proxy` and `--only policies`).
 */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { keepAlive } from '../src/base/index.ts';
import { type Figure, formatFigure } from './figure.ts';
import type { SchedulerBenchOptions } from './scheduler.ts';

/** Name → how it is measured; loaded when it is wanted. */
const benches: Readonly<Record<string, (options: SchedulerBenchOptions) => Promise<Figure[]>>> = {
  store: async () => (await import('./store-figures.ts')).measureStore(),
  lifecycle: async () => (await import('./lifecycle.ts')).measureLifecycle(),
  kubelet: async () => (await import('./kubelet.ts')).measureKubelet(),
  rbac: async () => (await import('./rbac.ts')).measureRbac(),
  api: async () => (await import('./api.ts')).measureApi(),
  'api-apply': async () => (await import('./api.ts')).measureApply(),
  'api-lists': async () => (await import('./api-lists.ts')).measureLists(),
  'api-crowds': async () => (await import('./api-scale.ts')).measureCrowds(),
  network: async () => (await import('./network.ts')).measureNetwork(),
  ingress: async () => (await import('./ingress.ts')).measureIngress(),
  policies: async (options) => (await import('./policies.ts')).measurePolicies(options),
  proxy: async (options) => (await import('./proxy.ts')).measureProxy(options),
  dns: async () => (await import('./dns.ts')).measureDns(),
  scale: async (options) => (await import('./scale.ts')).measureScale(options),
  scheduler: async (options) => (await import('./scheduler.ts')).measureScheduler(options),
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'string' },
    workload: { type: 'string' },
    mode: { type: 'string' },
    specs: { type: 'string' },
    scale: { type: 'string' },
    node: { type: 'string', multiple: true },
  },
});
const { workload, mode, specs, scale, node: flags } = values;
if (mode !== undefined && mode !== 'waiting' && mode !== 'arriving') throw new Error(`no mode "${mode}": it is waiting or arriving`);
const options: SchedulerBenchOptions = {
  ...(workload !== undefined && { workload }),
  ...(mode !== undefined && { mode }),
  ...(specs !== undefined && { specs: Number(specs) }),
  ...(scale !== undefined && { scale: Number(scale) }),
  ...(flags !== undefined && { flags }),
};
const chosen = Object.entries(benches).filter(([name]) => values.only === undefined || name === values.only);
if (chosen.length === 0) throw new Error(`no bench "${values.only}"; there are: ${Object.keys(benches).join(', ')}`);
using _alive = keepAlive();
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
console.log(machine);
const figures: Figure[] = [];
for (const [name, measure] of chosen) {
  console.log(`\n${name}`);
  const measured = await measure(options);
  for (const figure of measured) console.log(`  ${formatFigure(figure)}`);
  figures.push(...measured.map((figure) => ({ ...figure, name: `${name}/${figure.name}` })));
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
