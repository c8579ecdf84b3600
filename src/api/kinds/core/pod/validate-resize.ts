/**
 * The two subresources that change a running pod's containers: `resize` (CPU and memory) and `ephemeralcontainers` (additions).
 * @source pkg/apis/core/validation/validation.go ValidatePodResize, ValidatePodEphemeralContainersUpdate, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { forbidden, invalidValue } from '../../../field-errors.ts';
import type { Container, Pod, ResourceRequirements } from '../../../gen/core-v1.ts';
import { goQuote } from '../../../go-text.ts';
import { isSidecar } from '../../../pod-status.ts';
import { computePodQos, podQosClass } from '../../../qos.ts';
import { sameJson } from '../../immutable.ts';
import { describeDiff } from './spec-diff.ts';
import { mirrorPodAnnotation } from './validate-annotations.ts';
import { podErrors } from './validate-pod.ts';
import { annotationErrors } from './validate-update.ts';

export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  const refusal = resizeRefusal(old);
  if (refusal !== undefined) return [forbidden('', refusal)];
  const errors = podErrors(pod);
  if (podQosClass(old) !== computePodQos(pod.spec)) {
    errors.push(invalidValue('spec', pod.status.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  }
  const running = old.status.containerStatuses?.find(({ state }) => state?.running);
  if (running && !running.resources) errors.push(forbidden('spec', 'Pod running on node without support for resize'));
  if (hasPodLevelResources(old) || hasPodLevelResources(pod)) {
    const gate = 'InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled';
    errors.push(forbidden('', `resize of pods with pod-level resources is forbidden when ${gate}`));
    return errors;
  }
  const orderErrors = [...containerOrderErrors(pod, old, 'containers'), ...containerOrderErrors(pod, old, 'initContainers')];
  if (orderErrors.length > 0) return errors.concat(orderErrors);
  const [containers, initContainers] = [resizePairs(pod, old, 'containers'), resizePairs(pod, old, 'initContainers')];
  for (const { container, before, path } of initContainers) if (isSidecar(before)) removalErrors(container, before, path, errors);
  for (const { container, before, path } of containers) removalErrors(container, before, path, errors);
  const onlyComputeChanged = ({ container, before }: ResizePair): boolean => sameJson(withComputeOf(before, container), before);
  if (!containers.every(onlyComputeChanged)) errors.push(forbidden('spec', 'only cpu and memory resources are mutable'));
  for (const pair of initContainers) {
    if (isSidecar(pair.container)) {
      if (!onlyComputeChanged(pair)) errors.push(forbidden('spec', 'only cpu and memory resources for sidecar containers are mutable'));
    } else if (!sameJson(pair.container, pair.before)) {
      errors.push(forbidden('spec', 'resources for non-sidecar init containers are immutable'));
    }
  }
  if (errors.length > 0) return errors;
  const rest = { ...pod.spec, containers: old.spec.containers, initContainers: old.spec.initContainers };
  if (!sameJson(rest, old.spec)) errors.push(forbidden('spec', 'only cpu and memory resources are mutable'));
  return errors;
}

function resizeRefusal(old: Pod): string | undefined {
  if (old.metadata.annotations?.[mirrorPodAnnotation] !== undefined) return 'static pods cannot be resized';
  return old.spec.os?.name === 'windows' ? 'windows pods cannot be resized' : undefined;
}

function hasPodLevelResources({ spec }: Pod): boolean {
  return [spec.resources?.requests, spec.resources?.limits].some((list) => list && Object.keys(list).length > 0);
}

type ContainerList = 'containers' | 'initContainers';

/** The same containers in the same places. */
function containerOrderErrors(pod: Pod, old: Pod, list: ContainerList): FieldError[] {
  const [now, then] = [pod.spec[list] ?? [], old.spec[list] ?? []];
  if (now.length !== then.length) return [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
  return then.flatMap(({ name }, i) =>
    now[i]!.name === name ? [] : [forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`)],
  );
}

interface ResizePair {
  readonly container: Container;
  readonly before: Container;
  readonly path: string;
}

function resizePairs(pod: Pod, old: Pod, list: ContainerList): ResizePair[] {
  return (pod.spec[list] ?? []).map((container, i) => ({ container, before: old.spec[list]![i]!, path: `spec.${list}[${i}].resources` }));
}

function removalErrors({ resources: now }: Container, { resources: then }: Container, path: string, errors: FieldError[]): void {
  for (const what of ['requests', 'limits'] as const) {
    if (Object.keys(then?.[what] ?? {}).some((name) => !Object.hasOwn(now?.[what] ?? {}, name))) {
      errors.push(forbidden(`${path}.${what}`, `resource ${what} cannot be removed`));
    }
  }
}

/** The new container with the old CPU and memory, so that any other change shows. */
function withComputeOf(before: Container, container: Container): Container {
  const { limits: _limits, requests: _requests, ...others } = container.resources ?? {};
  const limits = mixed(container.resources?.limits, before.resources?.limits);
  const requests = mixed(container.resources?.requests, before.resources?.requests);
  // An empty list is none: a container may ask for nothing.
  const resources: ResourceRequirements = { ...others, ...(limits && { limits }), ...(requests && { requests }) };
  return { ...container, resources };
}

function mixed(
  now: Readonly<Record<string, string>> = {},
  then: Readonly<Record<string, string>> = {},
): Record<string, string> | undefined {
  const list: Record<string, string> = { ...now };
  for (const name of ['cpu', 'memory']) {
    delete list[name];
    if (then[name] !== undefined) list[name] = then[name];
  }
  return Object.keys(list).length > 0 ? list : undefined;
}

export function validateEphemeralContainersUpdate(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[mirrorPodAnnotation] !== undefined) {
    return [forbidden('', 'static pods do not support ephemeral containers')];
  }
  const errors = podErrors(pod);
  annotationErrors(pod, old, errors);
  const path = 'spec.ephemeralContainers';
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = pod.spec.ephemeralContainers?.find(({ name }) => name === before.name);
    if (!now) errors.push(forbidden(path, `existing ephemeral containers ${goQuote(before.name)} may not be removed\n`));
    else if (!sameJson(now, before)) {
      const diff = describeDiff('core.EphemeralContainer', before, now);
      errors.push(forbidden(path, `existing ephemeral containers ${goQuote(before.name)} may not be changed\n${diff}`));
    }
  }
  return errors;
}
