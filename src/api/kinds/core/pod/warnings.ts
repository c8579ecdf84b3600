/** Warnings about a pod that is accepted. @source pkg/api/pod/warnings.go, v1.35 */
import type { PodTemplateSpec } from '../../../gen/core-v1.ts';

export function podTemplateWarnings(_template: PodTemplateSpec, _old: PodTemplateSpec | undefined, _path: string): string[] {
  return [];
}
