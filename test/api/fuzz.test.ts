/**
 * Whatever comes, the answer is an answer of the API and never a 5xx, and what is stored stays readable. The seed is fixed, so that
 * a run tells of the code and not of luck; long runs take a seed of the hour. A failure names the seed and the case: with
 * KNARR_TEST_SEED, KNARR_TEST_FROM and KNARR_TEST_CASES the same requests are sent again.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtinResources } from '../../src/api/kinds/index.ts';
import { Campaign } from './fuzz/campaign.ts';

const isLong = process.env['KNARR_TEST_LONG'] === '1';
const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const cases = setting('KNARR_TEST_CASES', isLong ? 1_000_000 : 4_000);
const seed = setting('KNARR_TEST_SEED', isLong ? Math.floor(Date.now() / 3_600_000) : 42);
const from = setting('KNARR_TEST_FROM', 0);
/** What the objects that are left, caches and histories may take. */
const maxGrowthBytes = 256 * 1024 * 1024;
/** Generous: all cases share one process with the server, and long bodies take many turns of its loop. */
const maxCaseMs = 30_000;

let campaign: Campaign;
beforeAll(async () => {
  campaign = await Campaign.start();
});
afterAll(() => campaign[Symbol.asyncDispose]());

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test(
  'no request at random fails the server, and everything that it stored can be read',
  async () => {
    // The first thousand fill the caches.
    const warm = await campaign.run({ seed, from, cases: Math.min(cases, 1_000) });
    const before = heapBytes();
    const result = warm.failures.length > 0 ? warm : await campaign.run({ seed, from: from + 1_000, cases: Math.max(cases - 1_000, 0) });
    const statuses = [...result.byStatus].toSorted(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    const { slowest, reached, failures } = result;
    const summary = `seed ${seed}, ${cases} cases from ${from}: ${reached} reached validation; ${statuses.join(', ')}; slowest ${slowest.ms.toFixed()} ms: ${slowest.request}`;
    if (isLong) console.log(summary);
    // What a failure needs to be made again stands in what was expected.
    expect([summary, ...failures.slice(0, 5)]).toEqual([summary]);
    expect([summary, slowest.ms < maxCaseMs, heapBytes() - before < maxGrowthBytes]).toEqual([summary, true, true]);
    // Enough of them got through, and enough did not.
    expect([summary, reached / cases > 0.5]).toEqual([summary, true]);
    // Every kind that can be written was: validated often, and changed at least once.
    const written = [...result.byResource].filter(([name]) => name !== 'v1 componentstatuses');
    expect(written.filter(([, { reached: times }]) => times < cases / written.length / 20).map(([name]) => name)).toEqual([]);
    expect(written.filter(([, { done }]) => done === 0).map(([name]) => name)).toEqual([]);
    expect([200, 201, 400, 404, 409, 422].filter((status) => (result.byStatus.get(status) ?? 0) < 5)).toEqual([]);
  },
  isLong ? 7_200_000 : 120_000,
);

test('afterwards everything that was stored is read one by one as in the list, and the server is well', { timeout: 120_000 }, async () => {
  const { server } = campaign;
  let kept = 0;
  for (const { group, version, plural, namespaced, verbs } of builtinResources) {
    if (!verbs.includes('list')) continue;
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const list = await server.http('GET', `${root}/${plural}`);
    expect(list.status).toBe(200);
    for (const item of (list.json.items as { metadata: { name: string; namespace: string } }[]).slice(0, 200)) {
      const { name, namespace } = item.metadata;
      const path = `${root}${namespaced ? `/namespaces/${namespace}` : ''}/${plural}/${encodeURIComponent(name)}`;
      expect((await server.http('GET', path)).json).toMatchObject(item);
      kept++;
    }
  }
  expect(kept).toBeGreaterThan(50);
  expect((await server.http('GET', '/readyz')).text).toBe('ok');
  expect(({} as { x?: unknown }).x).toBeUndefined();
});
