/** The verbs that the rows about objects of storage go through, each looked at afterwards. */
import { expect } from 'vitest';
import { type ConformanceCluster, eventually, type Json } from '../support/cluster.ts';

export const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

export interface LifecycleOptions {
  readonly cluster: ConformanceCluster;
  /** Path of the collection. */
  readonly collection: string;
  /** An object of a name, with labels of its own. */
  readonly make: (name: string) => Json;
  /** Waits, once the first one is made, for what upstream waits for. */
  readonly whenMade?: (name: string) => Promise<void>;
}

/** Makes, reads, lists, patches, updates and deletes one, then another, by name and by label. */
export async function runLifecycle({ cluster, collection, make, whenMade }: LifecycleOptions): Promise<void> {
  const at = (name: string): string => `${collection}/${name}`;
  const selected = (label: string): string => `${collection}?labelSelector=${encodeURIComponent(label)}`;
  const made = await cluster.api('POST', collection, make('e2e-first'));
  await whenMade?.('e2e-first');
  const read = await cluster.api('GET', at('e2e-first'));
  expect(read.metadata).toMatchObject({ name: 'e2e-first', uid: made.metadata.uid });

  const patched = await cluster.api('PATCH', at('e2e-first'), { metadata: { labels: { 'e2e-first': 'patched' } } }, mergePatch);
  expect(patched.metadata.labels).toMatchObject({ 'e2e-first': 'patched' });
  expect((await cluster.api('GET', selected('e2e-first=patched'))).items).toHaveLength(1);

  const updated = await eventually(async () => {
    const current = await cluster.api('GET', at('e2e-first'));
    current.metadata.labels['e2e-first'] = 'updated';
    return cluster.api('PUT', at('e2e-first'), current);
  });
  expect(updated.metadata.labels).toMatchObject({ 'e2e-first': 'updated' });
  expect((await cluster.api('GET', selected('e2e-first=updated'))).items).toHaveLength(1);

  await cluster.api('DELETE', at('e2e-first'));
  await untilGone(cluster, at('e2e-first'));

  await cluster.api('POST', collection, make('e2e-second'));
  await cluster.api('PATCH', at('e2e-second'), { metadata: { labels: { 'e2e-second': 'e2e' } } }, mergePatch);
  expect((await cluster.api('GET', selected('e2e-second=e2e'))).items).toHaveLength(1);
  await cluster.api('DELETE', selected('e2e-second=e2e'));
  await eventually(async () => expect((await cluster.api('GET', selected('e2e-second=e2e'))).items).toEqual([]));
}

export async function untilGone(cluster: ConformanceCluster, path: string): Promise<void> {
  await eventually(async () => expect((await cluster.request('GET', path)).status).toBe(404));
}
