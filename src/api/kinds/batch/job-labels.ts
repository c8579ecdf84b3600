/** The labels by which a Job knows its pods, and the selector made of them. @source pkg/registry/batch/job/strategy.go generateSelector, v1.35 */
import type { Job } from '../../gen/batch-v1.ts';
import type { Draft } from '../../object.ts';

export const controllerUidLabel = 'batch.kubernetes.io/controller-uid';
export const jobNameLabel = 'batch.kubernetes.io/job-name';
export const legacyControllerUidLabel = 'controller-uid';
export const legacyJobNameLabel = 'job-name';

/** Gives the template the labels and the Job the selector that no other Job has; what a client has set stays, for validation to refuse. */
export function generateSelector({ metadata, spec }: Draft<Job>): void {
  // A Job without a name is refused later.
  const { name = '', uid = '' } = metadata as Partial<typeof metadata>;
  const own = { [legacyJobNameLabel]: name, [jobNameLabel]: name, [legacyControllerUidLabel]: uid, [controllerUidLabel]: uid };
  spec.template.metadata ??= {};
  spec.template.metadata.labels = { ...own, ...spec.template.metadata.labels };
  spec.selector ??= {};
  spec.selector.matchLabels = { [controllerUidLabel]: uid, ...spec.selector.matchLabels };
}
