/**
 * Applies selectors to very many objects. The first selector that looks into an object has it decoded, and of a hundred thousand that takes
 * seconds: others have their turn meanwhile. What a selector read is kept with the object, so the next one costs little.
 */
import type { Clock } from '../../base/index.ts';
import { breather } from '../../client/index.ts';
import type { StoredObject } from './stored-object.ts';

/** Objects between two looks at the time. */
const objectsPerLook = 16;

/** Those of `objects` that match, in their order. */
export async function selectInTurns(
  objects: readonly StoredObject[],
  matches: (object: StoredObject) => boolean,
  clock: Clock,
): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for (let i = 0; i < objects.length; i++) {
    const object = objects[i]!;
    if (matches(object)) found.push(object);
    if (i % objectsPerLook === objectsPerLook - 1) {
      const rest = breather(clock);
      if (rest) await rest;
    }
  }
  return found;
}
