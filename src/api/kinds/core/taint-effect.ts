/** Effects of taints and tolerations. @source pkg/apis/core/validation/validation.go validateTaintEffect, v1.35 */
import type { FieldError } from '../../errors.ts';
import { notSupported, required } from '../../field-errors.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** What is wrong with the effect of a taint or toleration. */
export function taintEffectErrors(effect: string | undefined, rule: { readonly path: string; readonly allowEmpty: boolean }): FieldError[] {
  if (!effect) return rule.allowEmpty ? [] : [required(rule.path)];
  return effects.includes(effect) ? [] : [notSupported(rule.path, effect, effects)];
}
