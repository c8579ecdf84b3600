/** Pod templates of a Deployment: whether two are the same, and the short name that tells them apart. */
import type { appsv1, corev1 } from '../../api/index.ts';
import { semanticEqual } from '../semantic-equal.ts';

export const templateHashLabel = 'pod-template-hash';

/** Letters that upstream uses for hashes in names: none that form words or look alike. */
const letters = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * Ten letters that stand for a template. Equal templates have equal hashes on every run and machine; `collisionCount` makes another
 * hash of the same template when its name is taken.
 */
export function templateHash(template: corev1.PodTemplateSpec, collisionCount: number | undefined): string {
  const text = canonical(template) + (collisionCount === undefined ? '' : `#${collisionCount}`);
  return encode(fnv1a(text, 0x811c9dc5)) + encode(fnv1a(text, 0x01000193));
}

/** The same but for the hash label. @source pkg/controller/deployment/util EqualIgnoreHash */
export function sameTemplate(a: corev1.PodTemplateSpec, b: corev1.PodTemplateSpec): boolean {
  return semanticEqual(withoutHash(a), withoutHash(b));
}

/** The ReplicaSet that stands for the Deployment's template now: the oldest, should there be more than one. */
export function findNewReplicaSet(deployment: appsv1.Deployment, replicaSets: readonly appsv1.ReplicaSet[]): appsv1.ReplicaSet | undefined {
  return byCreation(replicaSets).find(({ spec }) => sameTemplate(spec.template ?? {}, deployment.spec.template));
}

/** Oldest first; by name when made in the same second. */
export function byCreation(replicaSets: readonly appsv1.ReplicaSet[]): appsv1.ReplicaSet[] {
  const order = ({ metadata }: appsv1.ReplicaSet): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return [...replicaSets].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** The template as the Deployment has it. */
export function withoutHash(template: corev1.PodTemplateSpec): corev1.PodTemplateSpec {
  const { [templateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** JSON with sorted keys and without what is empty, so that equal templates have equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => !semanticEqual(field, undefined))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // Neighbouring texts differ in their last bits only; spread them over the word.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function encode(word: number): string {
  let text = '';
  for (let i = 0, left = word; i < 5; i++, left = Math.floor(left / letters.length)) text += letters[left % letters.length];
  return text;
}
