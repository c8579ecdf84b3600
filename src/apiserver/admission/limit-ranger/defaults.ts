/**
 * What containers ask for when they do not say. @source kubernetes plugin/pkg/admission/limitranger mergePodResourceRequirements, v1.35
 */
import type { corev1, Draft } from '../../../api/index.ts';

type Container = Draft<corev1.Container>;
type ResourceList = Readonly<Record<string, string>>;

const annotation = 'kubernetes.io/limit-ranger';

/** Fills in requests and limits, and notes in an annotation what was filled in. */
export function applyLimitDefaults(pod: Draft<corev1.Pod>, { spec }: corev1.LimitRange): void {
  const items = spec.limits.filter(({ type }) => type === 'Container');
  const limits: ResourceList = Object.assign({}, ...items.map((item) => item.default));
  const requests: ResourceList = Object.assign({}, ...items.map((item) => item.defaultRequest));
  const notes = [
    ...(pod.spec.containers ?? []).flatMap((container) => fill(container, { requests, limits }, 'container')),
    ...(pod.spec.initContainers ?? []).flatMap((container) => fill(container, { requests, limits }, 'init container')),
  ];
  if (notes.length > 0) (pod.metadata.annotations ??= {})[annotation] = `LimitRanger plugin set: ${notes.join('; ')}`;
}

function fill(container: Container, defaults: { readonly requests: ResourceList; readonly limits: ResourceList }, what: string): string[] {
  return (['requests', 'limits'] as const).flatMap((field) => {
    const own = container.resources?.[field];
    const missing = Object.keys(defaults[field]).filter((name) => own === undefined || !Object.hasOwn(own, name));
    if (missing.length === 0) return [];
    const added = Object.fromEntries(missing.map((name) => [name, defaults[field][name]!]));
    container.resources = { ...container.resources, [field]: { ...own, ...added } };
    return [`${missing.sort().join(', ')} ${field === 'requests' ? 'request' : 'limit'} for ${what} ${container.name}`];
  });
}
