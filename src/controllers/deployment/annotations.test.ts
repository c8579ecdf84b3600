import { describe, expect, it } from 'vitest';
import type { appsv1 } from '../../api/index.ts';
import { maxRevision, newReplicaSetAnnotations, revisionOf } from './annotations.ts';

const revision = 'deployment.kubernetes.io/revision';
const history = 'deployment.kubernetes.io/revision-history';

const deployment = (annotations: Record<string, string>): appsv1.Deployment =>
  ({ metadata: { annotations } }) as unknown as appsv1.Deployment;

describe('the annotations of a ReplicaSet', () => {
  it('are the Deployment’s, but for those that are its own', () => {
    const own = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      [revision]: '7',
      'deployment.kubernetes.io/desired-replicas': '1',
    };
    const made = newReplicaSetAnnotations(deployment({ ...own, 'kubernetes.io/change-cause': 'why' }), {
      present: undefined,
      revision: 3n,
    });
    expect(made).toEqual({ 'kubernetes.io/change-cause': 'why', [revision]: '3' });
  });

  it('get a new revision, and keep the old in their history', () => {
    const step = (present: Record<string, string>, next: number): Record<string, string> =>
      newReplicaSetAnnotations(deployment({}), { present, revision: BigInt(next) });
    expect(step({ [revision]: '2' }, 2)).toEqual({ [revision]: '2' });
    expect(step({ [revision]: '5' }, 2)).toEqual({ [revision]: '5' });
    expect(step({ [revision]: '2' }, 4)).toEqual({ [revision]: '4', [history]: '2' });
    expect(step({ [revision]: '4', [history]: '2' }, 10)).toEqual({ [revision]: '10', [history]: '2,4' });
    expect(step({ [revision]: 'x' }, 10)).toEqual({ [revision]: 'x' });
  });

  it('count on from wherever the first one began, exactly', () => {
    const old = { metadata: { annotations: { [revision]: '3546343826724305832' } } } as unknown as appsv1.ReplicaSet;
    const made = newReplicaSetAnnotations(deployment({}), { present: undefined, revision: maxRevision([old]) + 1n });
    expect(made[revision]).toBe('3546343826724305833');
    const strange = ['9223372036854775808', 'x', '', '1.5'].map((text) => ({ metadata: { annotations: { [revision]: text } } }));
    expect(strange.map(revisionOf)).toEqual([0n, 0n, 0n, 0n]);
  });

  it('keep a history of at most 2,000 characters, the newest', () => {
    const long = Array.from({ length: 400 }, (_, i) => String(1000 + i)).join();
    const made = newReplicaSetAnnotations(deployment({}), { present: { [revision]: '1400', [history]: long }, revision: 1401n });
    expect(made[history]!.length).toBeLessThanOrEqual(2000);
    expect(made[history]!.endsWith(',1399,1400')).toBe(true);
    expect(made[history]!.startsWith('1001,')).toBe(true);
  });
});
