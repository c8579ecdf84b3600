import { expect, test } from 'vitest';
import { builtinResources } from '../../api/kinds/index.ts';
import { systemClock, VirtualClock } from '../../base/index.ts';
import { Collection } from './collection.ts';
import { DecodedObjects } from './decoded-objects.ts';
import { selectInTurns } from './selecting.ts';
import { encodeForStore, StoredObject } from './stored-object.ts';

const definition = builtinResources.find(({ plural }) => plural === 'configmaps')!;
const decoded = new DecodedObjects({ objects: 10, bytes: 1_000_000 });
const collection = new Collection({ prefix: '/registry/configmaps/', definition, decoded, revision: 0, freeze: false });
const objects = Array.from({ length: 100 }, (_, i) => {
  const metadata = { name: `o-${i}`, namespace: 'x', uid: String(i), creationTimestamp: '', resourceVersion: '' };
  return new StoredObject(collection, `x/o-${i}`, 1, encodeForStore({ apiVersion: 'v1', kind: 'ConfigMap', metadata }));
});

test('selects in order', async () => {
  const selected = await selectInTurns(objects, ({ name }) => name.endsWith('5'), new VirtualClock());
  expect(selected.map(({ name }) => name)).toEqual(['5', '15', '25', '35', '45', '55', '65', '75', '85', '95'].map((n) => `o-${n}`));
});

test('lets others have their turn while it takes long', async () => {
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  const slow = (): boolean => {
    const untilMs = performance.now() + 1;
    while (performance.now() < untilMs);
    return true;
  };
  const selected = await selectInTurns(objects, slow, systemClock);
  clearInterval(counting);
  expect(selected).toHaveLength(objects.length);
  expect(turns).toBeGreaterThan(0);
});
