import { describe, expect, test } from 'vitest';
import { beforeAllOnCluster, eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('apimachinery/chunking', () => {
  const cluster = useCluster('conformance-chunking');
  const count = 400;
  const path = cluster.path('v1', 'podtemplates');
  const list = (query: string): Promise<Json> => cluster.api('GET', `${path}?${query}`);
  const names = (page: Json): string[] => page.items.map((item: Json) => item.metadata.name);
  const nameOf = (index: number): string => `template-${String(index).padStart(4, '0')}`;

  beforeAllOnCluster(async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'image' }] } };
    const create = (index: number): Promise<Json> => cluster.api('POST', path, { metadata: { name: nameOf(index) }, template });
    for (let from = 0; from < count; from += 50) await Promise.all(Array.from({ length: 50 }, (_, offset) => create(from + offset)));
  });

  test('API Chunking, server should return chunks of results for list calls', async () => {
    const seen: string[] = [];
    const versions = new Set<string>();
    let next = '';
    do {
      const limit = seen.length === 0 ? 17 : 60;
      const page = await list(`limit=${limit}&continue=${encodeURIComponent(next)}`);
      versions.add(page.metadata.resourceVersion);
      seen.push(...names(page));
      next = page.metadata.continue ?? '';
      expect(page.items.length).toBeLessThanOrEqual(limit);
      expect(page.metadata.remainingItemCount ?? 0).toBe(count - seen.length);
    } while (next !== '');
    expect(seen).toEqual(Array.from({ length: count }, (_, index) => nameOf(index)));
    // All pages show the cluster at one moment.
    expect(versions.size).toBe(1);
    const whole = await list('limit=0');
    expect(names(whole)).toEqual(seen);
    expect(whole.metadata.continue).toBeUndefined();
    expect(whole.metadata.remainingItemCount).toBeUndefined();
  });

  test('API Chunking, server should support continue listing from the last key even if the original version has been compacted away', async () => {
    const first = await list('limit=40');
    const again = `${path}?limit=40&continue=${encodeURIComponent(first.metadata.continue)}`;
    const refused = await eventually(async () => {
      const answer = await cluster.request('GET', again);
      expect(answer.status).toBe(410);
      return answer;
      // Two intervals of compaction, and a loaded machine.
    }, 60_000);
    expect(refused.json).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 });
    const fresh: string = refused.json.metadata.continue;
    expect(fresh).not.toBe('');
    const second = await list(`limit=40&continue=${encodeURIComponent(fresh)}`);
    expect(names(second)).toEqual(Array.from({ length: 40 }, (_, index) => nameOf(40 + index)));
    const last = await list(`limit=400&continue=${encodeURIComponent(second.metadata.continue)}`);
    expect(names(last)).toEqual(Array.from({ length: count - 80 }, (_, index) => nameOf(80 + index)));
    expect(last.metadata.continue).toBeUndefined();
  });
});
