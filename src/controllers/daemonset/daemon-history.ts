/**
 * The revisions of a DaemonSet: one for each template it ever had, numbered by when it was last the newest.
 * @source pkg/controller/daemon/update.go (constructHistory), v1.35
 */
import { type appsv1, appsv1Resources, type corev1, corev1Resources, type LabelMatcher } from '../../api/index.ts';
import type { Client } from '../../client/index.ts';
import { templateHash } from '../deployment/template.ts';
import type { RevisionControl } from '../history/revision-control.ts';
import { nextRevisionNumber } from '../history/revisions.ts';
import { holdsPatch, templatePatch } from '../history/template-patch.ts';
import { podHashLabel } from './daemon-pod.ts';

type DaemonSet = appsv1.DaemonSet;
type Revision = appsv1.ControllerRevision;

export interface DaemonHistory {
  /** Of the newest revision; pods made of it are labelled with it. */
  readonly hash: string;
  readonly old: readonly Revision[];
}

export interface DaemonHistoryOptions {
  readonly client: Client;
  readonly control: RevisionControl;
  readonly selector: LabelMatcher;
  /** That it controls. */
  readonly pods: readonly corev1.Pod[];
  readonly signal: AbortSignal;
}

/** A name that other content has: the collision was counted, and the next look makes another name. */
export class RevisionNameTaken extends Error {
  override readonly name = 'RevisionNameTaken';
}

/**
 * Finds, makes or numbers anew the revision of the set's template.
 * @throws RevisionNameTaken when another name has to be found
 */
export async function readHistory(daemonSet: DaemonSet, options: DaemonHistoryOptions): Promise<DaemonHistory> {
  const { control, selector, signal } = options;
  const patch = templatePatch(daemonSet.spec.template);
  const revisions: Revision[] = [];
  for (const revision of await control.owned(daemonSet, selector, signal)) {
    revisions.push(revision.metadata.labels?.[podHashLabel] === undefined ? await labelled(daemonSet, revision, options) : revision);
  }
  const old = revisions.filter((revision) => !holdsPatch(revision, patch));
  const same = revisions.filter((revision) => holdsPatch(revision, patch));
  const number = nextRevisionNumber(old);
  // Two of one content: the one with the higher number stays.
  const kept = same.at(-1);
  if (!kept) return { hash: hashOf(await make(daemonSet, { number, patch }, options)), old };
  if (same.length > 1) await removeTwins(daemonSet, { kept, twins: same.slice(0, -1) }, options);
  if (kept.revision < number) await control.update(daemonSet, { ...kept, revision: number }, signal);
  return { hash: hashOf(kept), old };
}

/** Deletes the oldest revisions that no pod has, as many as there are beyond the limit. */
export async function truncateHistory(daemonSet: DaemonSet, { old }: DaemonHistory, options: DaemonHistoryOptions): Promise<void> {
  const surplus = old.length - (daemonSet.spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return;
  const used = new Set(options.pods.map(({ metadata }) => metadata.labels?.[podHashLabel]));
  for (const revision of old.filter((each) => !used.has(hashOf(each))).slice(0, surplus)) {
    await options.control.remove(daemonSet, revision, options.signal);
  }
}

function hashOf({ metadata }: Revision): string {
  return metadata.labels?.[podHashLabel] ?? metadata.name;
}

/** A revision from before revisions had the label goes by its name. */
function labelled(daemonSet: DaemonSet, revision: Revision, { control, signal }: DaemonHistoryOptions): Promise<Revision> {
  const { metadata } = revision;
  const labels = { ...metadata.labels, [podHashLabel]: metadata.name };
  return control.update(daemonSet, { ...revision, metadata: { ...metadata, labels } }, signal);
}

async function make(
  daemonSet: DaemonSet,
  { number, patch }: { readonly number: number; readonly patch: ReturnType<typeof templatePatch> },
  { client, control, signal }: DaemonHistoryOptions,
): Promise<Revision> {
  const { template } = daemonSet.spec;
  const { collisionCount } = daemonSet.status;
  const hash = templateHash(template, collisionCount);
  const labels = { ...template.metadata?.labels, [podHashLabel]: hash };
  const name = `${daemonSet.metadata.name}-${hash}`;
  const made = await control.createNamed(daemonSet, { name, revision: { number, data: patch, labels } }, signal);
  if (made) return made;
  const fresh = await client.get(appsv1Resources.daemonsets, daemonSet.metadata, { signal });
  if (fresh.status.collisionCount === collisionCount) {
    const status = { ...fresh.status, collisionCount: (collisionCount ?? 0) + 1 };
    await client.updateStatus(appsv1Resources.daemonsets, { ...fresh, status }, { signal });
  }
  throw new RevisionNameTaken(`Cannot name a revision ${name}: it has other content`);
}

/** Pods of a twin get the label of the one that stays before the twin goes. */
async function removeTwins(
  daemonSet: DaemonSet,
  { kept, twins }: { readonly kept: Revision; readonly twins: readonly Revision[] },
  { client, control, pods, signal }: DaemonHistoryOptions,
): Promise<void> {
  const gone = new Set(twins.map(hashOf));
  for (const { metadata } of pods.filter((pod) => gone.has(pod.metadata.labels?.[podHashLabel] ?? ''))) {
    const body = { metadata: { labels: { [podHashLabel]: hashOf(kept) } } };
    await client.patch(corev1Resources.pods, metadata, { type: 'application/merge-patch+json', body }, { signal });
  }
  for (const twin of twins) await control.remove(daemonSet, twin, signal);
}
