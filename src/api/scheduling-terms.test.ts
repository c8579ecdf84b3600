import { describe, expect, test } from 'vitest';
import type { Taint, Toleration } from './gen/core-v1.ts';
import { matchesNodeSelectorTerm, matchesRequiredNodeAffinity, preferredNodeAffinityScore } from './node-selector.ts';
import { findUntoleratedTaint, formatTaint, tolerates } from './taints.ts';

const taint: Taint = { key: 'a', value: 'b', effect: 'NoSchedule' };

describe('tolerations', () => {
  test.each<[string, Toleration, boolean]>([
    ['the same', { key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' }, true],
    ['no operator means Equal', { key: 'a', value: 'b' }, true],
    ['another value', { key: 'a', value: 'c' }, false],
    ['another effect', { key: 'a', value: 'b', effect: 'NoExecute' }, false],
    ['any value', { key: 'a', operator: 'Exists' }, true],
    ['any key', { operator: 'Exists' }, true],
    ['another key', { key: 'x', operator: 'Exists' }, false],
    ['a comparison, which is not enabled', { key: 'a', operator: 'Gt', value: '1' }, false],
  ])('%s', (_name, toleration, expected) => expect(tolerates(toleration, taint)).toBe(expected));

  test('the first taint that nobody tolerates', () => {
    const soft: Taint = { key: 's', effect: 'PreferNoSchedule' };
    expect(findUntoleratedTaint([soft, taint], [], ({ effect }) => effect === 'NoSchedule')).toBe(taint);
    expect(findUntoleratedTaint([taint], [{ operator: 'Exists' }])).toBeUndefined();
    expect(findUntoleratedTaint(undefined, undefined)).toBeUndefined();
    expect([formatTaint(taint), formatTaint(soft)]).toEqual(['a=b:NoSchedule', 's:PreferNoSchedule']);
  });
});

describe('node selectors', () => {
  const node = { metadata: { name: 'n1', labels: { zone: 'z1', cores: '8' } } };
  test.each([
    [{ key: 'zone', operator: 'In', values: ['z1', 'z2'] }, true],
    [{ key: 'zone', operator: 'NotIn', values: ['z1'] }, false],
    [{ key: 'gpu', operator: 'NotIn', values: ['x'] }, true],
    [{ key: 'zone', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'DoesNotExist' }, true],
    [{ key: 'cores', operator: 'Gt', values: ['4'] }, true],
    [{ key: 'cores', operator: 'Lt', values: ['8'] }, false],
    [{ key: 'zone', operator: 'Gt', values: ['4'] }, false],
  ] as const)('%o', (requirement, expected) => expect(matchesNodeSelectorTerm({ matchExpressions: [requirement] }, node)).toBe(expected));

  test('a term without requirements matches nothing; fields know the name', () => {
    expect(matchesNodeSelectorTerm({}, node)).toBe(false);
    expect(matchesNodeSelectorTerm({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }, node)).toBe(true);
  });

  test('terms are alternatives, the plain selector holds beside them', () => {
    const inZone = (zone: string): { matchExpressions: { key: string; operator: 'In'; values: string[] }[] } => ({
      matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }],
    });
    const required = { nodeSelectorTerms: [inZone('z9'), inZone('z1')] };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    expect(matchesRequiredNodeAffinity({ affinity }, node)).toBe(true);
    expect(matchesRequiredNodeAffinity({ affinity, nodeSelector: { zone: 'z2' } }, node)).toBe(false);
    expect(matchesRequiredNodeAffinity({}, node)).toBe(true);
    expect(
      preferredNodeAffinityScore(
        [
          { weight: 5, preference: inZone('z1') },
          { weight: 3, preference: inZone('z2') },
        ],
        node,
      ),
    ).toBe(5);
  });
});
