/** A pod template, as every workload kind has one. */
import type { PodSpec, PodTemplateSpec } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';
import type { StrategyContext } from '../../../resource-definition.ts';
import { applyPodSpecDefaults } from './defaults.ts';
import { dropDisabledPodFields } from './drop-disabled-fields.ts';

/** Defaults of the template; `metadata` and `spec` are structs upstream and always printed. */
export function applyTemplateDefaults(template: Draft<PodTemplateSpec>): void {
  template.metadata ??= {};
  template.spec ??= {} as Draft<PodSpec>;
  applyPodSpecDefaults(template.spec);
}

/** As in a pod: fields whose feature gate is off are not stored. A template that is missing is left for validation to refuse. */
export function dropDisabledTemplateFields(
  template: Draft<PodTemplateSpec> | undefined,
  old: PodTemplateSpec | undefined,
  { featureEnabled }: Pick<StrategyContext, 'featureEnabled'>,
): void {
  if (template?.spec) dropDisabledPodFields(template.spec, old?.spec, featureEnabled);
}
