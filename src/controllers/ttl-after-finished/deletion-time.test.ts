import { describe, expect, it } from 'vitest';
import type { batchv1 } from '../../api/index.ts';
import { deletionMsOf } from './deletion-time.ts';

const endedAt = '2026-01-01T00:00:00Z';

function job(spec: object, conditions: readonly object[], metadata: object = {}): batchv1.Job {
  return { metadata, spec, status: { conditions } } as unknown as batchv1.Job;
}

const complete = { type: 'Complete', status: 'True', lastTransitionTime: endedAt };
const failed = { type: 'Failed', status: 'True', lastTransitionTime: endedAt };

describe('the time at which a Job is deleted', () => {
  it.each<[string, batchv1.Job, number | undefined]>([
    ['its seconds after success', job({ ttlSecondsAfterFinished: 60 }, [complete]), 60],
    ['its seconds after failure', job({ ttlSecondsAfterFinished: 60 }, [failed]), 60],
    ['at once with zero', job({ ttlSecondsAfterFinished: 0 }, [complete]), 0],
    ['never without seconds', job({}, [complete]), undefined],
    ['never while it runs', job({ ttlSecondsAfterFinished: 60 }, []), undefined],
    ['never by an interim condition', job({ ttlSecondsAfterFinished: 60 }, [{ ...complete, type: 'SuccessCriteriaMet' }]), undefined],
    ['never by a condition that is false', job({ ttlSecondsAfterFinished: 60 }, [{ ...complete, status: 'False' }]), undefined],
    ['not again while it is being deleted', job({ ttlSecondsAfterFinished: 60 }, [complete], { deletionTimestamp: endedAt }), undefined],
  ])('is %s', (_, of, seconds) => {
    expect(deletionMsOf(of)).toBe(seconds === undefined ? undefined : Date.parse(endedAt) + seconds * 1000);
  });
});
