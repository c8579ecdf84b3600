/**
 * The three lists of containers of a pod: regular ones, init containers (with sidecars among them) and ephemeral ones.
 * @source pkg/apis/core/validation/validation.go validateContainers, validateInitContainers, validateEphemeralContainers, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { duplicate, forbidden, invalidValue, notFound, required } from '../../../field-errors.ts';
import type { Container, EphemeralContainer, PodSpec } from '../../../gen/core-v1.ts';
import { isSidecar } from '../../../pod-status.ts';
import { type ContainerContext, validateContainer, validateHostPorts, validateRestartPolicy } from './validate-container.ts';
import { validateHandlers } from './validate-handlers.ts';

interface Lists {
  readonly spec: PodSpec;
  /** Path of the spec. */
  readonly path: string;
  readonly pod: ContainerContext;
}

export function validateRegularContainers({ spec, path, pod }: Lists, errors: FieldError[]): void {
  const at = `${path}.containers`;
  const containers = spec.containers ?? [];
  if (containers.length === 0) {
    errors.push(required(at));
    return;
  }
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const own = `${at}[${i}]`;
    validateContainer(container, own, pod, errors);
    if (names.has(container.name)) errors.push(duplicate(`${own}.name`, container.name));
    names.add(container.name);
    validateHandlers(container, { path: own, gracePeriod: pod.gracePeriod }, errors);
    validateRestartPolicy(container, own, errors);
  }
  validateHostPorts(containers, at, errors);
}

export function validateInitContainers({ spec, path, pod }: Lists, errors: FieldError[]): void {
  const at = `${path}.initContainers`;
  const names = new Set((spec.containers ?? []).map(({ name }) => name));
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const own = `${at}[${i}]`;
    validateContainer(container, own, pod, errors);
    if (!isSidecar(container)) validateRestartPolicy(container, own, errors);
    else if (container.restartPolicyRules?.length) {
      const detail = 'restartPolicyRules are not allowed for init containers with restart policy Always';
      errors.push(forbidden(`${own}.restartPolicyRules`, detail));
    }
    if (names.has(container.name)) errors.push(duplicate(`${own}.name`, container.name));
    else if (container.name) names.add(container.name);
    // Init containers run one by one, so only their own ports can collide.
    validateHostPorts([container], at, errors);
    if (isSidecar(container)) validateHandlers(container, { path: own, gracePeriod: pod.gracePeriod }, errors);
    else {
      for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (container[field]) errors.push(forbidden(`${own}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
      }
    }
  }
}

const forbiddenForEphemeral = [
  'ports',
  'resources',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
] as const satisfies readonly (keyof EphemeralContainer)[];

export function validateEphemeralContainers({ spec, path, pod }: Lists, errors: FieldError[]): void {
  const ephemeral = spec.ephemeralContainers ?? [];
  if (ephemeral.length === 0) return;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  for (const [i, container] of ephemeral.entries()) {
    const own = `${path}.ephemeralContainers[${i}]`;
    // The two types differ in the names of a few unions only.
    validateContainer(container as Container, own, pod, errors);
    errors.push(...paddedImageErrors(container, own));
    if (names.has(container.name)) errors.push(duplicate(`${own}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(notFound(`${own}.targetContainerName`, target));
    for (const field of forbiddenForEphemeral) {
      if (isSet(container[field])) errors.push(forbidden(`${own}.${field}`, 'cannot be set for an Ephemeral Container'));
    }
    for (const [j, { subPath, subPathExpr }] of (container.volumeMounts ?? []).entries()) {
      const mount = `${own}.volumeMounts[${j}]`;
      if (subPath) errors.push(forbidden(`${mount}.subPath`, 'cannot be set for an Ephemeral Container'));
      if (subPathExpr) errors.push(forbidden(`${mount}.subPathExpr`, 'cannot be set for an Ephemeral Container'));
    }
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** Templates may have blanks around an image's name, pods may not. */
export function paddedImageErrors({ image = '' }: Pick<Container, 'image'>, path: string): FieldError[] {
  return image.trim() === image ? [] : [invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace')];
}
