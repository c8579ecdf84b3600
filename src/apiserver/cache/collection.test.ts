import { expect, test } from 'vitest';
import { builtinResources } from '../../api/kinds/index.ts';
import { seededRandom } from '../../base/index.ts';
import { Collection } from './collection.ts';
import { DecodedObjects } from './decoded-objects.ts';
import { encodeForStore, StoredObject } from './stored-object.ts';

const definition = builtinResources.find(({ plural }) => plural === 'configmaps')!;

function emptyCollection(): Collection {
  return new Collection({
    prefix: '/registry/configmaps/',
    definition,
    decoded: new DecodedObjects({ objects: 10, bytes: 1_000_000 }),
    revision: 0,
    freeze: false,
  });
}

function stored(collection: Collection, key: string, revision: number): StoredObject {
  const [namespace = '', name = ''] = key.split('/');
  const metadata = { name, namespace, uid: key, creationTimestamp: '', resourceVersion: '' };
  return new StoredObject(collection, key, revision, encodeForStore({ apiVersion: 'v1', kind: 'ConfigMap', metadata }));
}

test('lists what a sorted map would, whatever came and went between the lists', () => {
  const random = seededRandom(35);
  const pick = (count: number): number => Math.floor(random.next() * count);
  const collection = emptyCollection();
  const model = new Map<string, number>();
  for (let revision = 1; revision <= 4_000; revision++) {
    const key = `ns-${pick(3)}/o-${pick(400)}`;
    const previous = collection.get(key);
    expect(previous?.revision).toBe(model.get(key));
    const isDeleted = previous !== undefined && pick(3) === 0;
    collection.apply({ revision, current: isDeleted ? undefined : stored(collection, key, revision), previous }, 0);
    if (isDeleted) model.delete(key);
    else model.set(key, revision);
    if (pick(100) > 0) continue;
    const namespace = ['', 'ns-1'][pick(2)]!;
    const wanted = [...model].filter(([name]) => name.startsWith(namespace)).toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(collection.list({ namespace }).map((object) => [object.key, object.revision])).toEqual(wanted);
    expect(collection.size).toBe(model.size);
  }
});

test('goes on after a key that is gone', () => {
  const collection = emptyCollection();
  for (const name of ['c', 'a', 'd', 'b']) collection.load(stored(collection, `ns/${name}`, 1));
  const names = (after: string): string[] => collection.list({ namespace: 'ns', after, limit: 2 }).map((object) => object.name);
  expect(names('ns/a')).toEqual(['b', 'c']);
  expect(names('ns/bb')).toEqual(['c', 'd']);
});
