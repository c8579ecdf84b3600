import { expect, test } from 'vitest';
import type { SchedulingExplanation } from '../../api/index.ts';
import { describeExplanation } from './explain-scheduling.ts';

const explanation = (rest: Partial<SchedulingExplanation>): SchedulingExplanation => ({
  apiVersion: 'scheduling.knarr.dev/v1alpha1',
  kind: 'SchedulingExplanation',
  metadata: { name: 'p', namespace: 'default', uid: '', resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z' },
  verdict: 'DoesNotFit',
  message: '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.',
  schedulerName: 'default-scheduler',
  nodes: [],
  ...rest,
});

test('people read for each node why not, and what would help', () => {
  const text = describeExplanation(
    explanation({
      nodes: [
        {
          name: 'a',
          fits: false,
          rejections: [{ plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], resolvable: true, advice: ['needs 500m more cpu'] }],
          preemption: { victims: ['default/low'], violatedBudgets: 0 },
        },
        {
          name: 'b',
          fits: false,
          rejections: [
            {
              plugin: 'NodeUnschedulable',
              reasons: ['node(s) were unschedulable'],
              resolvable: false,
              advice: ['uncordon the node (kubectl uncordon b)'],
            },
          ],
        },
      ],
    }),
    20,
  );
  expect(`\n${text.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    pod default/p: fits nowhere
      0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.

    NODE   FITS   WHY                                             WHAT WOULD MAKE IT FIT
    a      no     NodeResourcesFit: Insufficient cpu              needs 500m more cpu
                                                                  or evict pods of lower priority: default/low
    b      no     NodeUnschedulable: node(s) were unschedulable   uncordon the node (kubectl uncordon b)
    "
  `);
});

test('a node that fits shows where its score comes from, and a long list is cut', () => {
  const nodes = ['a', 'b', 'c'].map((name) => ({
    name,
    fits: true,
    score: 190,
    scores: [
      { plugin: 'NodeResourcesFit', score: 90, weight: 1 },
      { plugin: 'ImageLocality', score: 100, weight: 1 },
    ],
  }));
  expect(describeExplanation(explanation({ verdict: 'Fits', message: '3/3 nodes are available', nodes }), 1)).toEqual([
    'pod default/p: fits',
    '  3/3 nodes are available',
    '',
    'NODE   FITS   WHY         WHAT WOULD MAKE IT FIT',
    'a      yes    score 190   NodeResourcesFit 90×1, ImageLocality 100×1',
    '',
    '2 more nodes: --all shows them',
  ]);
});
