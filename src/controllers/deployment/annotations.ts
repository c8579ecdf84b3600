/** The annotations by which a Deployment keeps its history on its ReplicaSets. @source pkg/controller/deployment/util, v1.35 */
import type { appsv1 } from '../../api/index.ts';
import { maxSurge, replicasOf } from './bounds.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
/** Asks for a rollback to a revision, 0 for the last one. */
export const rollbackAnnotation = 'deprecated.deployment.rollback.to';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Longest history, in characters; older revisions go first. */
const maxHistoryLength = 2000;
/** Annotations that stay with the Deployment. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  rollbackAnnotation,
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
]);

type Annotations = Readonly<Record<string, string>>;

/** 0 when there is none that can be read. Any number of 64 bits: whoever wrote the first one may have begun anywhere. */
export function revisionOf({ metadata }: { readonly metadata: { readonly annotations?: Annotations } }): bigint {
  return parseRevision(metadata.annotations?.[revisionAnnotation]) ?? 0n;
}

export function maxRevision(replicaSets: readonly appsv1.ReplicaSet[]): bigint {
  return replicaSets.map(revisionOf).reduce((max, revision) => (revision > max ? revision : max), 0n);
}

/** The one before the newest; 0 when there is none. */
export function lastRevision(replicaSets: readonly appsv1.ReplicaSet[]): bigint {
  let [newest, last] = [0n, 0n];
  for (const revision of replicaSets.map(revisionOf)) {
    if (revision >= newest) [newest, last] = [revision, newest];
    else if (revision > last) last = revision;
  }
  return last;
}

/** Of the Deployment only what stays with it, and what the ReplicaSet had from it. */
export function keptAnnotations(own: Annotations, of: Annotations): Annotations {
  const staying = Object.entries(own).filter(([name]) => notCopied.has(name));
  const copied = Object.entries(of).filter(([name]) => !notCopied.has(name));
  return Object.fromEntries([...staying, ...copied]);
}

/** Oldest first. */
export function compareRevisions(a: appsv1.ReplicaSet, b: appsv1.ReplicaSet): number {
  return Number(revisionOf(a) > revisionOf(b)) - Number(revisionOf(a) < revisionOf(b));
}

function parseRevision(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[-+]?\d+$/.test(text)) return undefined;
  const revision = BigInt(text);
  return BigInt.asIntN(64, revision) === revision ? revision : undefined;
}

/** The size that the Deployment had when it last scaled the ReplicaSet. */
export function desiredReplicas(replicaSet: appsv1.ReplicaSet): number | undefined {
  return numberIn(replicaSet, desiredAnnotation);
}

/** The most pods that the Deployment allowed itself then. */
export function maxReplicas(replicaSet: appsv1.ReplicaSet): number | undefined {
  return numberIn(replicaSet, maxAnnotation);
}

function numberIn({ metadata }: appsv1.ReplicaSet, name: string): number | undefined {
  const text = metadata.annotations?.[name];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The annotations that note the Deployment's present size. */
export function sizeAnnotations(deployment: appsv1.Deployment): Annotations {
  const desired = replicasOf(deployment);
  return { [desiredAnnotation]: String(desired), [maxAnnotation]: String(desired + maxSurge(deployment)) };
}

/** What the ReplicaSet of the Deployment's template carries: the Deployment's annotations and a revision above all older ones. */
export function newReplicaSetAnnotations(
  deployment: appsv1.Deployment,
  options: { readonly present: Annotations | undefined; readonly revision: bigint },
): Annotations {
  const { present = {}, revision } = options;
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name));
  const merged: Record<string, string> = { ...present, ...Object.fromEntries(copied) };
  const old = present[revisionAnnotation];
  if (old === undefined) return { ...merged, [revisionAnnotation]: String(revision) };
  const before = old === '' ? 0n : parseRevision(old);
  if (before === undefined || before >= revision) return merged;
  // It served before and serves again: the revisions it had are its history.
  const history = historyWith(present[historyAnnotation] ?? '', old);
  return { ...merged, [revisionAnnotation]: String(revision), ...(history !== undefined && { [historyAnnotation]: history }) };
}

/** Undefined when even the one revision is too long. */
function historyWith(history: string, revision: string): string | undefined {
  const revisions = [...(history === '' ? [] : history.split(',')), revision];
  while (revisions.length > 0 && revisions.join(',').length > maxHistoryLength) revisions.shift();
  return revisions.length > 0 ? revisions.join(',') : undefined;
}
