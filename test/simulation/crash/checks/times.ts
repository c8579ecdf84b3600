/** What must hold of a CronJob's Jobs: each time starts one Job at most, and where they may not overlap, no two are under way. */
import type { batchv1 } from '../../../../src/api/index.ts';
import { type Check, type History, ownerOf } from '../history.ts';

const dueAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export function startedOnce(): Check {
  const started = new Map<string, string>();
  return ({ kind, old, now }, history) => {
    if (kind !== 'Job' || old || !now) return [];
    const owner = ownerOf(now, 'CronJob');
    if (owner === undefined) return [];
    const { name } = now.metadata;
    const due = now.metadata.annotations?.[dueAnnotation] ?? 'no time';
    const other = started.get(`${owner} ${due}`);
    started.set(`${owner} ${due}`, name);
    const faults = other === undefined ? [] : [`jobs ${other} and ${name} were both started for ${due}`];
    const underWay = unfinished(history, owner);
    if (forbids(history, owner) && underWay.length > 1) faults.push(`jobs ${underWay.join(' and ')} are under way at once`);
    return faults;
  };
}

const forbids = (history: History, uid: string): boolean =>
  [...history.all('CronJob')].some(({ metadata, spec }) => metadata.uid === uid && spec.concurrencyPolicy === 'Forbid');

const unfinished = (history: History, owner: string): string[] =>
  [...history.all('Job')].filter((job) => ownerOf(job, 'CronJob') === owner && !isFinished(job)).map(({ metadata }) => metadata.name);

const isFinished = ({ status }: batchv1.Job): boolean =>
  (status?.conditions ?? []).some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True');
