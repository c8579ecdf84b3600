/** What must hold of owners: nothing that a living owner owns is deleted. */
import type { KubeObject } from '../../../../src/api/index.ts';
import type { Check } from '../history.ts';

export const ownersOf = ({ metadata }: KubeObject): readonly string[] => (metadata.ownerReferences ?? []).map(({ uid }) => uid);

/** Of those that only the garbage collector deletes: they have owners. */
export const sparedByOwners: Check = ({ kind, old, now }, history) => {
  if (kind !== 'ConfigMap' || !old || old.metadata.deletionTimestamp !== undefined) return [];
  if (now && now.metadata.deletionTimestamp === undefined) return [];
  const owned = new Set(ownersOf(old));
  const living = [...history.all('ConfigMap')].filter(
    ({ metadata }) => owned.has(metadata.uid) && metadata.deletionTimestamp === undefined,
  );
  return living.map(({ metadata }) => `${old.metadata.name} was deleted, whose owner ${metadata.name} lives`);
};
