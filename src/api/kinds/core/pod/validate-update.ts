/**
 * What may change in a pod that exists: images, the deadline, tolerations (added), scheduling gates (removed), and where a gated
 * pod may go. @source pkg/apis/core/validation/validation.go ValidatePodUpdate, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { forbidden, invalidValue, required } from '../../../field-errors.ts';
import type { Affinity, Container, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../../../gen/core-v1.ts';
import { inclusiveRangeError } from '../../../names.ts';
import { sameJson } from '../../immutable.ts';
import { describeDiff } from './spec-diff.ts';
import { validateAnnotationUpdate, validatePodAnnotations } from './validate-annotations.ts';
import { paddedImageErrors } from './validate-containers.ts';
import { podErrors } from './validate-pod.ts';
import { validateTolerations } from './validate-scheduling.ts';
import { maxInt32 } from './validate-spec.ts';

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = podErrors(pod);
  annotationErrors(pod, old, errors);
  for (const list of ['containers', 'initContainers'] as const) {
    if (!imagesMayChange(pod.spec[list] ?? [], old.spec[list] ?? [], { path: `spec.${list}` }, errors)) return errors;
  }
  if (!deadlineMayChange(pod.spec, old.spec, errors)) return errors;
  tolerationErrors(pod.spec.tolerations ?? [], old.spec.tolerations ?? [], errors);
  gateErrors(pod.spec, old.spec, errors);
  if (sameJson(pod.spec, old.spec)) return errors;
  const rest = withoutUpdatable(pod.spec, old.spec, errors);
  if (!sameJson(rest, old.spec)) {
    const diff = describeDiff('core.PodSpec', old.spec, rest);
    errors.push(forbidden('spec', `pod updates may not change fields other than ${updatable}\n${diff}`));
  }
  return errors;
}

/** The rules for annotations of a pod that exists. */
export function annotationErrors(pod: Pod, old: Pod, errors: FieldError[]): void {
  const [now, then] = [pod.metadata.annotations ?? {}, old.metadata.annotations ?? {}];
  validateAnnotationUpdate(now, then, 'metadata.annotations', errors);
  validatePodAnnotations(now, { path: 'metadata.annotations', spec: pod.spec }, errors);
}

/** False when the lists cannot be compared further. */
function imagesMayChange(
  now: readonly Container[],
  then: readonly Container[],
  { path }: { readonly path: string },
  errors: FieldError[],
): boolean {
  if (now.length !== then.length) {
    errors.push(forbidden(path, 'pod updates may not add or remove containers'));
    return false;
  }
  for (const [i, container] of now.entries()) {
    if (!container.image) errors.push(required(`${path}[${i}].image`));
    errors.push(...paddedImageErrors(container, `${path}[${i}]`));
  }
  return true;
}

/** The deadline may be set, and come nearer. */
function deadlineMayChange(
  { activeDeadlineSeconds: now }: PodSpec,
  { activeDeadlineSeconds: then }: PodSpec,
  errors: FieldError[],
): boolean {
  const path = 'spec.activeDeadlineSeconds';
  if (now === undefined) {
    if (then !== undefined) errors.push(invalidValue(path, now, 'must not update from a positive integer to nil value'));
    return true;
  }
  if (now < 0 || now > maxInt32) errors.push(invalidValue(path, now, inclusiveRangeError(0, maxInt32)));
  else if (then !== undefined && then < now) errors.push(invalidValue(path, now, 'must be less than or equal to previous value'));
  else return true;
  return false;
}

function tolerationErrors(now: readonly Toleration[], then: readonly Toleration[], errors: FieldError[]): void {
  const path = 'spec.tolerations';
  const kept = then.every((old) => now.some((one) => sameJson({ ...old, tolerationSeconds: 0 }, { ...one, tolerationSeconds: 0 })));
  if (!kept) errors.push(forbidden(path, 'existing toleration can not be modified except its tolerationSeconds'));
  else validateTolerations(now, path, errors);
}

function gateErrors({ schedulingGates: now = [] }: PodSpec, { schedulingGates: then = [] }: PodSpec, errors: FieldError[]): void {
  for (const [i, { name }] of now.entries()) {
    if (then.some((old) => old.name === name)) continue;
    errors.push(forbidden(`spec.schedulingGates[${i}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`));
  }
}

/** The new spec with the old values where a change is allowed (and has been checked). */
function withoutUpdatable(spec: PodSpec, old: PodSpec, errors: FieldError[]): PodSpec {
  const oldImages = (now: readonly Container[] = [], then: readonly Container[] = []): Container[] =>
    now.map((container, i) => ({ ...container, image: then[i]?.image ?? '' }));
  const rest: Record<string, unknown> = {
    ...spec,
    containers: oldImages(spec.containers, old.containers),
    initContainers: oldImages(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
  };
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    rest['terminationGracePeriodSeconds'] = old.terminationGracePeriodSeconds;
  }
  if (old.schedulingGates?.length) {
    nodeSelectorErrors(spec.nodeSelector ?? {}, old.nodeSelector ?? {}, errors);
    rest['nodeSelector'] = old.nodeSelector;
    nodeAffinityErrors(spec.affinity, old.affinity, errors);
    rest['affinity'] = withNodeAffinityOf(old.affinity, spec.affinity);
  }
  // Every field of the spec is there; the changed ones have the types of the old spec.
  return rest as unknown as PodSpec;
}

function withNodeAffinityOf(old: Affinity | undefined, now: Affinity | undefined): Record<string, unknown> {
  return { podAffinity: now?.podAffinity, podAntiAffinity: now?.podAntiAffinity, nodeAffinity: old?.nodeAffinity };
}

function nodeSelectorErrors(now: Readonly<Record<string, string>>, then: Readonly<Record<string, string>>, errors: FieldError[]): void {
  if (Object.keys(then).some((key) => now[key] !== then[key])) {
    errors.push(invalidValue('spec.nodeSelector', now, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'));
  }
}

function nodeAffinityErrors(now: Affinity | undefined, then: Affinity | undefined, errors: FieldError[]): void {
  const termsOf = (affinity: Affinity | undefined): readonly NodeSelectorTerm[] =>
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const [nowTerms, thenTerms] = [termsOf(now), termsOf(then)];
  if (thenTerms.length === 0) return;
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  if (nowTerms.length !== thenTerms.length) {
    errors.push(invalidValue(path, nowTerms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'));
    return;
  }
  for (const [i, term] of nowTerms.entries()) {
    if (!hasOnlyAdditions(term, thenTerms[i]!)) {
      errors.push(invalidValue(`${path}[${i}]`, term, 'only additions are allowed (no mutations or deletions)'));
    }
  }
}

function hasOnlyAdditions(now: NodeSelectorTerm, then: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  if (lists.every((list) => !then[list]?.length)) return lists.every((list) => !now[list]?.length);
  return lists.every((list) => sameJson((now[list] ?? []).slice(0, then[list]?.length ?? 0), then[list] ?? []));
}
