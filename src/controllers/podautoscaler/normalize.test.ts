import { describe, expect, it } from 'vitest';
import type { autoscalingv2 } from '../../api/index.ts';
import { normalize, type NormalizeOptions } from './normalize.ts';
import type { Recent } from './recent.ts';

const nowMs = 1_000_000;
const none: Recent = { recommendations: [], ups: [], downs: [] };
const ago = (seconds: number): number => nowMs - seconds * 1000;

const say = (options: Partial<NormalizeOptions> & Pick<NormalizeOptions, 'current' | 'desired'>): string => {
  const { replicas, steadied, limited } = normalize({
    min: 1,
    max: 100,
    behavior: undefined,
    recent: none,
    downscaleStabilizationMs: 300_000,
    nowMs,
    ...options,
  });
  return `${replicas}: ${steadied.reason}, ${limited.isLimited ? 'limited by ' : ''}${limited.reason}`;
};

const behavior = (rules: autoscalingv2.HorizontalPodAutoscalerBehavior): autoscalingv2.HorizontalPodAutoscalerBehavior => ({
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
    ...rules.scaleUp,
  },
  scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }], ...rules.scaleDown },
});

describe('without a behavior', () => {
  const rows: [string, Parameters<typeof say>[0], string][] = [
    ['what is wanted is done', { current: 3, desired: 5 }, '5: ReadyForNewScale, DesiredWithinRange'],
    ['at most double', { current: 10, desired: 50 }, '20: ReadyForNewScale, limited by ScaleUpLimit'],
    ['at most four from few', { current: 1, desired: 9 }, '4: ReadyForNewScale, limited by ScaleUpLimit'],
    ['not beyond the maximum', { current: 8, desired: 15, max: 10 }, '10: ReadyForNewScale, limited by TooManyReplicas'],
    ['not below the minimum', { current: 3, desired: 0, min: 2 }, '2: ReadyForNewScale, limited by TooFewReplicas'],
    [
      'no lower than any of the last five minutes',
      {
        current: 8,
        desired: 2,
        recent: {
          ...none,
          recommendations: [
            { replicas: 5, timeMs: ago(299) },
            { replicas: 9, timeMs: ago(301) },
          ],
        },
      },
      '5: ScaleDownStabilized, DesiredWithinRange',
    ],
    [
      'and grows at once',
      { current: 2, desired: 3, recent: { ...none, recommendations: [{ replicas: 1, timeMs: ago(10) }] } },
      '3: ReadyForNewScale, DesiredWithinRange',
    ],
  ];
  it.each(rows)('%s', (_, options, expected) => expect(say(options)).toBe(expected));
});

describe('with a behavior', () => {
  const rows: [string, Parameters<typeof say>[0], string][] = [
    ['the default doubles', { current: 10, desired: 50, behavior: behavior({}) }, '20: ReadyForNewScale, limited by ScaleUpLimit'],
    ['or adds four', { current: 1, desired: 50, behavior: behavior({}) }, '5: ReadyForNewScale, limited by ScaleUpLimit'],
    [
      'the default goes down to the minimum',
      { current: 50, desired: 0, behavior: behavior({}) },
      '1: ReadyForNewScale, limited by TooFewReplicas',
    ],
    [
      'what was added in the period counts',
      {
        current: 8,
        desired: 50,
        behavior: behavior({}),
        recent: {
          ...none,
          ups: [
            { change: 4, timeMs: ago(5) },
            { change: 2, timeMs: ago(16) },
          ],
        },
      },
      '8: ReadyForNewScale, limited by ScaleUpLimit',
    ],
    [
      'what was taken in the period gives back',
      { current: 8, desired: 50, behavior: behavior({}), recent: { ...none, downs: [{ change: 2, timeMs: ago(5) }] } },
      '20: ReadyForNewScale, limited by ScaleUpLimit',
    ],
    [
      'the least change of several policies',
      { current: 10, desired: 50, behavior: behavior({ scaleUp: { selectPolicy: 'Min' } }) },
      '14: ReadyForNewScale, limited by ScaleUpLimit',
    ],
    [
      'a direction can be shut: up',
      { current: 4, desired: 9, behavior: behavior({ scaleUp: { selectPolicy: 'Disabled' } }) },
      '4: ReadyForNewScale, limited by ScaleUpLimit',
    ],
    [
      'a direction can be shut: down',
      { current: 9, desired: 4, behavior: behavior({ scaleDown: { selectPolicy: 'Disabled' } }) },
      '9: ReadyForNewScale, limited by ScaleDownLimit',
    ],
    [
      'down by pods a minute',
      { current: 9, desired: 1, behavior: behavior({ scaleDown: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] } }) },
      '7: ReadyForNewScale, limited by ScaleDownLimit',
    ],
    [
      'down by a part, rounded so that something goes',
      { current: 5, desired: 1, behavior: behavior({ scaleDown: { policies: [{ type: 'Percent', value: 30, periodSeconds: 60 }] } }) },
      '3: ReadyForNewScale, limited by ScaleDownLimit',
    ],
    [
      'up by a part, rounded so that something comes',
      { current: 2, desired: 9, behavior: behavior({ scaleUp: { policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] } }) },
      '3: ReadyForNewScale, limited by ScaleUpLimit',
    ],
    [
      'up to the lowest of its window',
      {
        current: 3,
        desired: 9,
        behavior: behavior({ scaleUp: { stabilizationWindowSeconds: 60 } }),
        recent: {
          ...none,
          recommendations: [
            { replicas: 5, timeMs: ago(30) },
            { replicas: 2, timeMs: ago(61) },
          ],
        },
      },
      '5: ScaleUpStabilized, DesiredWithinRange',
    ],
    [
      'down to the highest of its window',
      {
        current: 9,
        desired: 3,
        behavior: behavior({ scaleDown: { stabilizationWindowSeconds: 60 } }),
        recent: {
          ...none,
          recommendations: [
            { replicas: 5, timeMs: ago(30) },
            { replicas: 8, timeMs: ago(61) },
          ],
        },
      },
      '5: ScaleDownStabilized, DesiredWithinRange',
    ],
    [
      'the window of scaling down is five minutes when it does not say',
      { current: 9, desired: 3, behavior: behavior({}), recent: { ...none, recommendations: [{ replicas: 8, timeMs: ago(299) }] } },
      '8: ScaleDownStabilized, DesiredWithinRange',
    ],
    [
      'and none when it says so',
      {
        current: 9,
        desired: 3,
        behavior: behavior({ scaleDown: { stabilizationWindowSeconds: 0 } }),
        recent: { ...none, recommendations: [{ replicas: 8, timeMs: ago(1) }] },
      },
      '3: ReadyForNewScale, DesiredWithinRange',
    ],
    [
      'the maximum holds where rates would allow more',
      { current: 8, desired: 15, max: 10, behavior: behavior({}) },
      '10: ReadyForNewScale, limited by TooManyReplicas',
    ],
  ];
  it.each(rows)('%s', (_, options, expected) => expect(say(options)).toBe(expected));
});
