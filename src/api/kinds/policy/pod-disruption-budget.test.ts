import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const budgets = definitionOf('poddisruptionbudgets', 'policy');
const base: Manifest = { metadata: { name: 'b', namespace: 'ns' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } };

describe('PodDisruptionBudget', () => {
  test('begins with nothing allowed', () => {
    expect(create(budgets, { ...base, status: { disruptionsAllowed: 5 } })).toMatchObject({
      faults: [],
      object: { status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } },
    });
    expect(create(budgets, { metadata: base['metadata'] }).faults).toEqual([]);
  });

  test.each<[string, unknown, (string | RegExp)[]]>([
    [
      'spec.maxUnavailable',
      1,
      [
        'spec: Invalid value: {"MinAvailable":1,"Selector":{"matchLabels":{"app":"a"}},"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
      ],
    ],
    ['spec.minAvailable', -1, ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0']],
    ['spec.minAvailable', '101%', ['spec.minAvailable: Invalid value: "101%": must not be greater than 100%']],
    ['spec.minAvailable', 'many', [/^spec\.minAvailable: Invalid value: "many": a valid percent string/]],
    [
      'spec.selector.matchExpressions',
      [{ key: 'a', operator: 'Near' }],
      ['spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
    ],
    [
      'spec.unhealthyPodEvictionPolicy',
      'Never',
      ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"'],
    ],
  ])('%s = %j', (path, value, expected) => {
    const { faults } = create(budgets, withField(base, path, value));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('a status is plausible, its conditions are whole', () => {
    const old = decode(budgets, base);
    const condition = { type: 'A', status: 'True', reason: 'Why', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const status = { disruptionsAllowed: -1, conditions: [condition, { ...condition, status: 'Maybe', reason: '1' }, { type: '' }] };
    const { faults } = update(budgets, { old, manifest: { ...base, status }, subresource: 'status' });
    expect(faults).toEqual([
      'status.conditions[1].type: Duplicate value: "A"',
      'status.conditions[1].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
      expect.stringMatching(/^status\.conditions\[1\]\.reason: Invalid value: "1": a condition reason must start with/),
      'status.conditions[2].type: Invalid value: "": name part must be non-empty',
      expect.stringMatching(/^status\.conditions\[2\]\.type: Invalid value: "": name part must consist of/),
      'status.conditions[2].status: Unsupported value: "": supported values: "False", "True", "Unknown"',
      'status.conditions[2].lastTransitionTime: Required value: must be set',
      'status.conditions[2].reason: Required value: must be set',
      'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });

  test('its row', () => {
    expect(row(budgets, decode(budgets, base))).toMatchObject({
      Name: 'b',
      'Min Available': '1',
      'Max Unavailable': 'N/A',
      'Allowed Disruptions': 0,
    });
  });
});
