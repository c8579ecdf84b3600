import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { formatEvictionPlan, planEviction, type Scheduled } from './plan.ts';

const nowMs = 1_000_000;

/** `bad=60` tolerates the taint for a minute, `bad` for ever. */
function check(name: string, taints: string, tolerations: string, expected: string, scheduled?: Scheduled): void {
  it(name, () => {
    const pod = {
      spec: {
        tolerations: tolerations
          .split(' ')
          .filter(Boolean)
          .map((text): corev1.Toleration => {
            const [key, seconds] = text.split('=');
            return { key: key!, operator: 'Exists', ...(seconds !== undefined && { tolerationSeconds: Number(seconds) }) };
          }),
      },
    } as unknown as corev1.Pod;
    const all = taints
      .split(' ')
      .filter(Boolean)
      .map((text): corev1.Taint => ({ key: text.split(':')[0]!, effect: (text.split(':')[1] ?? 'NoExecute') as 'NoExecute' }));
    expect(formatEvictionPlan(planEviction(pod, all, { nowMs, scheduled }), nowMs)).toBe(expected);
  });
}

describe('a pod on a tainted node', () => {
  check('stays without an evicting taint', 'a:NoSchedule', '', 'stay');
  check('goes at once when it does not tolerate', 'a', '', 'now');
  check('goes at once when it tolerates only one of two', 'a b', 'a', 'now');
  check('stays when it tolerates for ever', 'a', 'a', 'stay');
  check('goes when the shortest toleration ends', 'a b', 'a=60 b=30', 'in 30 s');
  check('goes at once when it tolerates for no time', 'a', 'a=0', 'now');
  check('goes at once when the time is negative', 'a', 'a=-5', 'now');
  check('keeps to the end decided before', 'a', 'a=60', 'in 10 s', { sinceMs: nowMs - 50_000, dueMs: nowMs + 10_000 });
  check('does not get longer by another toleration', 'a', 'a=600', 'in 10 s', { sinceMs: nowMs - 50_000, dueMs: nowMs + 10_000 });
  check('goes earlier when the toleration got shorter', 'a', 'a=55', 'in 5 s', { sinceMs: nowMs - 50_000, dueMs: nowMs + 10_000 });
  check('goes when the time has come', 'a', 'a=50', 'now', { sinceMs: nowMs - 50_000, dueMs: nowMs });
});
