/** How volumes and claims are shown in tables, and which class they name. @source pkg/apis/core/helper/helpers.go, v1.35 */
import type { ObjectMeta } from '../../gen/meta-v1.ts';
import { betaStorageClassAnnotation } from '../../persistent-volumes.ts';
import { tryParseQuantity } from '../../quantity.ts';

const shortModes: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

/** Each mode once and in short: `RWO,ROX`. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return shortModes.flatMap(([mode, short]) => (modes?.includes(mode) ? [short] : [])).join(',');
}

/** The amount of storage in a list of resources; `0` when it is not in it. */
export function storageText(list: Readonly<Record<string, string>> | undefined): string {
  const text = list?.['storage'];
  return text === undefined ? '0' : (tryParseQuantity(text)?.toString() ?? text);
}

/** The warning about the old annotation. */
export function classAnnotationWarnings({ annotations }: Pick<ObjectMeta, 'annotations'>): string[] {
  if (annotations?.[betaStorageClassAnnotation] === undefined) return [];
  return [`metadata.annotations[${betaStorageClassAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`];
}
