/** When a Job that has ended is to go. Pure. @source pkg/controller/ttlafterfinished/ttlafterfinished_controller.go, v1.35 */
import type { batchv1 } from '../../api/index.ts';
import { endOf } from '../job/job-state.ts';

/** Milliseconds since the epoch; undefined for a Job that has not ended, has no such time, or is being deleted already. */
export function deletionMsOf(job: batchv1.Job): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  const type = endOf(job);
  if (ttlSecondsAfterFinished === undefined || !type || job.metadata.deletionTimestamp !== undefined) return undefined;
  const endedAt = job.status.conditions?.find((condition) => condition.type === type && condition.status === 'True')?.lastTransitionTime;
  return endedAt === undefined ? undefined : Date.parse(endedAt) + ttlSecondsAfterFinished * 1000;
}
