/**
 * `npm run bench [-- --only NAME --json FILE]`: every figure of docs/benchmarks.md, measured on this machine. Figures are for comparing runs
 * on one machine, never a test.
 */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { keepAlive } from '../src/base/index.ts';
import { type Figure, formatFigure } from './figure.ts';

/** Name → how it is measured; loaded when it is wanted. */
const benches: Readonly<Record<string, () => Promise<Figure[]>>> = {
  store: async () => (await import('./store-figures.ts')).measureStore(),
  lifecycle: async () => (await import('./lifecycle.ts')).measureLifecycle(),
  kubelet: async () => (await import('./kubelet.ts')).measureKubelet(),
  rbac: async () => (await import('./rbac.ts')).measureRbac(),
  api: async () => (await import('./api.ts')).measureApi(),
  'api-apply': async () => (await import('./api.ts')).measureApply(),
  'api-lists': async () => (await import('./api-lists.ts')).measureLists(),
  'api-crowds': async () => (await import('./api-scale.ts')).measureCrowds(),
};

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
const chosen = Object.entries(benches).filter(([name]) => values.only === undefined || name === values.only);
if (chosen.length === 0) throw new Error(`no bench "${values.only}"; there are: ${Object.keys(benches).join(', ')}`);
using _alive = keepAlive();
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
console.log(machine);
const figures: Figure[] = [];
for (const [name, measure] of chosen) {
  console.log(`\n${name}`);
  const measured = await measure();
  for (const figure of measured) console.log(`  ${formatFigure(figure)}`);
  figures.push(...measured.map((figure) => ({ ...figure, name: `${name}/${figure.name}` })));
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
