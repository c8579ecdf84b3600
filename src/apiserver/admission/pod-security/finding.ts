/**
 * What a check says about a pod, and the grammar that all checks share: who does something that is not allowed, and what.
 * @source pod-security-admission policy/checks.go, helpers.go, visitor.go, v1.35
 */
import type { corev1 } from '../../../api/index.ts';

/** A pod, or the template of one. */
export interface PodLike {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } | undefined;
  readonly spec: corev1.PodSpec;
}

export interface Finding {
  /** What is not allowed, in a few words, such as `hostPort`. */
  readonly reason: string;
  /** Who does it, and how. */
  readonly detail: string;
}

/** Undefined: the pod is fine. */
export type Check = (pod: PodLike) => Finding | undefined;

type Container = corev1.Container | corev1.EphemeralContainer;

/** Init containers first, then regular, then ephemeral ones. */
export function containersOf({ initContainers = [], containers, ephemeralContainers = [] }: corev1.PodSpec): readonly Container[] {
  return [...initContainers, ...containers, ...ephemeralContainers];
}

/** Names of the containers of which `isBad` holds. */
export function badContainers(spec: corev1.PodSpec, isBad: (container: Container) => boolean): string[] {
  return containersOf(spec)
    .filter(isBad)
    .map(({ name }) => textOf(name));
}

/** A field that validation will want; admission comes before. */
export function textOf(field: string | undefined): string {
  return field ?? '';
}

export function quoted(items: Iterable<string>): string {
  return [...items].map((item) => `"${item}"`).join(', ');
}

export function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

/** `container "a"` or `containers "a", "b"`. */
export function containerList(names: readonly string[]): string {
  return `${plural(names.length, 'container', 'containers')} ${quoted(names)}`;
}

/** `pod and container "a"`; empty when neither does it. */
export function settersOf(podDoes: boolean, names: readonly string[]): string {
  return [...(podDoes ? ['pod'] : []), ...(names.length > 0 ? [containerList(names)] : [])].join(' and ');
}

/** Different values in order. */
export function distinct(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}
