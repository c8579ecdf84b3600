/** Validation of a pod template. @source pkg/apis/core/validation/validation.go ValidatePodTemplateSpec, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { forbidden } from '../../../field-errors.ts';
import type { PodTemplateSpec } from '../../../gen/core-v1.ts';
import { validateAnnotations, validateLabels } from '../../../object-meta.ts';
import type { StrategyContext } from '../../../resource-definition.ts';
import { validatePodSpec } from './validate-spec.ts';

export function validatePodTemplate(
  subject: { readonly template: PodTemplateSpec; readonly old: PodTemplateSpec | undefined; readonly path: string },
  _ctx: StrategyContext,
  errors: FieldError[],
): void {
  const { template, path } = subject;
  if (template.metadata?.labels) validateLabels(template.metadata.labels, `${path}.labels`, errors);
  if (template.metadata?.annotations) validateAnnotations(template.metadata.annotations, `${path}.annotations`, errors);
  if (template.spec) validatePodSpec({ spec: template.spec, path: `${path}.spec` }, errors);
  if (template.spec?.ephemeralContainers?.length) {
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
}
