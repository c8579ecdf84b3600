/**
 * Which Jobs want a pod that nobody controls: found by an index over one label that each selector asks for, so that a pod is not held
 * against every Job of its namespace.
 */
import { type batchv1, type KubeObject, labelSelectorMatcher } from '../../api/index.ts';
import type { Informer, Lister } from '../../client/index.ts';

type Job = batchv1.Job;

const name = 'selectorLabel';
/** For selectors that ask for no single label. */
const anyLabel = '*';

export function indexBySelector(jobs: Informer<Job>): void {
  jobs.addIndex(name, ({ metadata, spec }) => {
    const [label] = Object.entries(spec.selector?.matchLabels ?? {});
    return [valueOf(metadata.namespace, label ? `${label[0]}=${label[1]}` : anyLabel)];
  });
}

export function jobsMatching(jobs: Lister<Job>, { metadata }: KubeObject): Job[] {
  const labels = Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const candidates = [anyLabel, ...labels].flatMap((label) => jobs.byIndex(name, valueOf(metadata.namespace, label)));
  return candidates.filter(({ spec }) => labelSelectorMatcher(spec.selector).matches(metadata.labels));
}

function valueOf(namespace: string | undefined, label: string): string {
  return `${namespace ?? ''}/${label}`;
}
