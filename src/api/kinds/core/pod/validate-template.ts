/** Validation of a pod template. @source pkg/apis/core/validation/validation.go ValidatePodTemplateSpec, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { forbidden } from '../../../field-errors.ts';
import type { PodTemplateSpec } from '../../../gen/core-v1.ts';
import { validateAnnotations, validateLabels } from '../../../object-meta.ts';
import { validatePodAnnotations, validateProfileAgreement } from './validate-annotations.ts';
import { validatePodSpec } from './validate-spec.ts';

export function validatePodTemplate(template: PodTemplateSpec, path: string, errors: FieldError[]): void {
  const { metadata = {}, spec } = template;
  const { labels, annotations } = metadata;
  // Upstream names labels and annotations without `metadata`.
  if (labels) validateLabels(labels, `${path}.labels`, errors);
  if (annotations) validateAnnotations(annotations, `${path}.annotations`, errors);
  if (!spec) return;
  if (annotations) validatePodAnnotations(annotations, { path: `${path}.annotations`, spec }, errors);
  validatePodSpec({ spec, path: `${path}.spec`, rules: { isPod: false } }, errors);
  if (annotations) validateProfileAgreement(annotations, { path: `${path}.spec`, spec }, errors);
  if (spec.ephemeralContainers?.length) {
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
}
