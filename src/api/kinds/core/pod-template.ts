/** PodTemplate: a template of pods by itself, for controllers of one's own. @source pkg/registry/core/podtemplate/strategy.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import type { PodTemplate } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { formatLabels } from '../../label-selector.ts';
import type { PrinterColumn, ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { column, containerColumns, nameColumn } from '../standard-columns.ts';
import { applyTemplateDefaults, dropDisabledTemplateFields } from './pod/template.ts';
import { validatePodTemplate } from './pod/validate-template.ts';
import { podTemplateWarnings } from './pod/warnings.ts';

/** Nothing else of it could be shown, so these are shown always. */
const containers: readonly PrinterColumn<PodTemplate>[] = containerColumns<PodTemplate>(({ template }) => template?.spec?.containers).map(
  (one) => ({ ...one, priority: 0 }),
);

export const podTemplateResource: ResourceDefinition = defineResource<PodTemplate>({
  ref: corev1Resources.podtemplates,
  columns: [
    nameColumn,
    ...containers,
    column('Pod Labels', 'string', 'The labels of its pods.', ({ template }) => formatLabels(template?.metadata?.labels)),
  ],
  strategy: {
    applyDefaults: (podTemplate) => {
      podTemplate.template ??= {};
      applyTemplateDefaults(podTemplate.template);
    },
    prepareForCreate: (podTemplate, ctx) => dropDisabledTemplateFields(podTemplate.template, undefined, ctx),
    prepareForUpdate: (podTemplate, old, ctx) => dropDisabledTemplateFields(podTemplate.template, old.template, ctx),
    validate,
    validateUpdate: validate,
    warnings: ({ template }, old) => (template ? podTemplateWarnings(template, old?.template, 'template') : []),
  },
});

function validate({ template }: PodTemplate): FieldError[] {
  const errors: FieldError[] = [];
  // The defaults have made it.
  validatePodTemplate(template ?? {}, 'template', errors);
  return errors;
}
