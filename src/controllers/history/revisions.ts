/** Questions about the revisions of one owner. Pure. @source pkg/controller/history/controller_history.go, v1.35 */
import type { appsv1, JsonObject } from '../../api/index.ts';
import { holdsPatch } from './template-patch.ts';

type Revision = appsv1.ControllerRevision;

/** By number; equal numbers by age, then by name. */
export function inRevisionOrder(revisions: readonly Revision[]): Revision[] {
  const tie = ({ metadata }: Revision): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return [...revisions].sort((a, b) => a.revision - b.revision || (tie(a) < tie(b) ? -1 : 1));
}

/** One more than the highest there is. */
export function nextRevisionNumber(revisions: readonly Revision[]): number {
  return Math.max(0, ...revisions.map(({ revision }) => revision)) + 1;
}

/** The newest of `ordered` that holds the patch. */
export function newestWith(ordered: readonly Revision[], patch: JsonObject): Revision | undefined {
  return ordered.findLast((revision) => holdsPatch(revision, patch));
}

/**
 * Revisions that are one too many, oldest first: those that nothing uses, beyond `limit` of them.
 * @param limit negative: all are kept
 */
export function surplusRevisions(
  ordered: readonly Revision[],
  { isUsed, limit }: { readonly isUsed: (revision: Revision) => boolean; readonly limit: number },
): Revision[] {
  const unused = ordered.filter((revision) => !isUsed(revision));
  return limit < 0 ? [] : unused.slice(0, Math.max(0, unused.length - limit));
}
