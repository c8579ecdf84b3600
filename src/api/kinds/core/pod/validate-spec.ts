/** Validation of a pod's spec. @source pkg/apis/core/validation/validation.go ValidatePodSpec, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { duplicate, invalidValue, required } from '../../../field-errors.ts';
import type { PodSpec } from '../../../gen/core-v1.ts';
import { dns1123LabelErrors } from '../../../names.ts';
import { validateRequirements } from './validate-resources.ts';
import { validateTolerations } from './validate-scheduling.ts';

export interface SpecSubject {
  readonly spec: PodSpec;
  readonly path: string;
}

export function validatePodSpec({ spec, path }: SpecSubject, errors: FieldError[]): void {
  if (!spec.containers?.length) errors.push(required(`${path}.containers`));
  const names = new Set<string>();
  for (const [i, container] of (spec.containers ?? []).entries()) {
    const at = `${path}.containers[${i}]`;
    if (!container.name) errors.push(required(`${at}.name`));
    else for (const message of dns1123LabelErrors(container.name)) errors.push(invalidValue(`${at}.name`, container.name, message));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    if (container.resources) validateRequirements(container.resources, `${at}.resources`, errors);
  }
  validateTolerations(spec.tolerations ?? [], `${path}.tolerations`, errors);
}
