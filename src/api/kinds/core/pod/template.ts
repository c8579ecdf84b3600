/** A pod template, as every workload kind has one. */
import type { PodSpec, PodTemplateSpec } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';
import { applyPodSpecDefaults } from './defaults.ts';

/** Defaults of the template; `metadata` and `spec` are structs upstream and always printed. */
export function applyTemplateDefaults(template: Draft<PodTemplateSpec>): void {
  template.metadata ??= {};
  template.spec ??= {} as Draft<PodSpec>;
  applyPodSpecDefaults(template.spec);
}
