/** Validation of a Pod that is created. @source pkg/apis/core/validation/validation.go ValidatePodCreate, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { forbidden } from '../../../field-errors.ts';
import type { Pod } from '../../../gen/core-v1.ts';
import { validatePodAnnotations, validateProfileAgreement } from './validate-annotations.ts';
import { paddedImageErrors } from './validate-containers.ts';
import { validatePodSpec } from './validate-spec.ts';

export function validatePod(pod: Pod): FieldError[] {
  const errors = podErrors(pod);
  const { spec } = pod;
  if (spec.ephemeralContainers?.length) errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  validateProfileAgreement(pod.metadata.annotations ?? {}, { path: 'spec', spec }, errors);
  return errors;
}

/** What holds for a pod at any time. */
export function podErrors({ metadata, spec }: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.annotations) validatePodAnnotations(metadata.annotations, { path: 'metadata.annotations', spec }, errors);
  validatePodSpec({ spec, path: 'spec', rules: { isPod: true, podName: metadata.name } }, errors);
  if (!spec.serviceAccountName) {
    for (const [i, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [j, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
        if (!serviceAccountToken) continue;
        const path = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
        errors.push(forbidden(path, 'must not be specified when serviceAccountName is not set'));
      }
    }
  }
  for (const [i, container] of (spec.containers ?? []).entries()) errors.push(...paddedImageErrors(container, `spec.containers[${i}]`));
  for (const [i, container] of (spec.initContainers ?? []).entries())
    errors.push(...paddedImageErrors(container, `spec.initContainers[${i}]`));
  return errors;
}
