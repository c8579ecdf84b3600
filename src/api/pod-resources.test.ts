import { describe, expect, test } from 'vitest';
import type { Pod } from './gen/core-v1.ts';
import { podLimits, podRequests, type PodResourcesOptions } from './pod-resources.ts';
import { computePodQos } from './qos.ts';

type Resources = { requests?: Record<string, string>; limits?: Record<string, string> };
const container = (name: string, resources: Resources, restartPolicy?: 'Always'): Pod['spec']['containers'][number] => ({
  name,
  resources,
  ...(restartPolicy && { restartPolicy }),
});
const pod = (spec: Pod['spec'], status: Pod['status'] = {}): Pick<Pod, 'spec' | 'status'> => ({ spec, status });
const shown = (amounts: ReadonlyMap<string, { toString(): string }>): Record<string, string> =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, amount.toString()]));
const cpu = (amount: string): Resources => ({ requests: { cpu: amount } });

describe('what a pod asks for', () => {
  const check = (subject: Pick<Pod, 'spec' | 'status'>, expected: Record<string, string>, options?: PodResourcesOptions): void =>
    expect(shown(podRequests(subject, options))).toEqual(expected);

  test('containers add up', () => check(pod({ containers: [container('a', cpu('100m')), container('b', cpu('1'))] }), { cpu: '1100m' }));

  test('init containers need the most of any moment', () => {
    check(pod({ containers: [container('a', cpu('100m'))], initContainers: [container('i', cpu('500m')), container('j', cpu('300m'))] }), {
      cpu: '500m',
    });
  });

  test('sidecars add to the containers, and to the init containers after them', () => {
    check(
      pod({
        containers: [container('a', cpu('100m'))],
        initContainers: [container('i', cpu('500m')), container('s', cpu('200m'), 'Always'), container('j', cpu('400m'))],
      }),
      { cpu: '600m' },
    );
    check(pod({ containers: [container('a', cpu('1'))], initContainers: [container('s', cpu('200m'), 'Always')] }), { cpu: '1200m' });
  });

  test('overhead comes on top, unless it is left out', () => {
    const subject = pod({ containers: [container('a', cpu('1'))], overhead: { cpu: '250m', memory: '1Gi' } });
    check(subject, { cpu: '1250m', memory: '1Gi' });
    check(subject, { cpu: '1' }, { excludeOverhead: true });
  });

  test('pod-level resources replace the sum', () => {
    const subject = pod({ containers: [container('a', { requests: { cpu: '1', 'x.io/y': '2' } })], resources: { requests: { cpu: '3' } } });
    check(subject, { cpu: '3', 'x.io/y': '2' });
    check(subject, { cpu: '1', 'x.io/y': '2' }, { skipPodLevelResources: true });
  });

  test('what is missing can be assumed', () => {
    const subject = pod({ containers: [container('a', cpu('1')), container('b', {})] });
    check(subject, { cpu: '1100m', memory: '400Mi' }, { nonMissingContainerRequests: { cpu: '100m', memory: '200Mi' } });
  });

  test('during a resize the largest of wanted, allocated and actual counts', () => {
    const status = {
      containerStatuses: [
        {
          name: 'a',
          image: '',
          imageID: '',
          ready: true,
          restartCount: 0,
          allocatedResources: { cpu: '2' },
          resources: { requests: { cpu: '1' } },
        },
      ],
    };
    const subject = pod({ containers: [container('a', cpu('500m'))] }, status);
    check(subject, { cpu: '500m' });
    check(subject, { cpu: '2' }, { useStatusResources: true });
    const refused = pod(
      { containers: [container('a', cpu('9'))] },
      { ...status, conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }] },
    );
    check(refused, { cpu: '2' }, { useStatusResources: true });
  });

  test('a limit has overhead only where there is a limit', () => {
    const subject = pod({ containers: [container('a', { limits: { cpu: '1' } })], overhead: { cpu: '1', memory: '1Gi' } });
    expect(shown(podLimits(subject))).toEqual({ cpu: '2' });
  });
});

describe('the quality-of-service class', () => {
  const both = (amount: string): Resources => ({ requests: { cpu: amount, memory: '1Gi' }, limits: { cpu: amount, memory: '1Gi' } });
  test.each<[string, Pod['spec'], string]>([
    ['nothing asked', { containers: [container('a', {})] }, 'BestEffort'],
    ['zero asked', { containers: [container('a', cpu('0'))] }, 'BestEffort'],
    ['only other resources', { containers: [container('a', { requests: { 'x.io/y': '1' } })] }, 'BestEffort'],
    ['some asked', { containers: [container('a', cpu('1'))] }, 'Burstable'],
    ['limits equal requests', { containers: [container('a', both('1')), container('b', both('2'))] }, 'Guaranteed'],
    [
      'the same amount in other words',
      { containers: [container('a', { ...both('1'), requests: { cpu: '1000m', memory: '1024Mi' } })] },
      'Guaranteed',
    ],
    ['one container without limits', { containers: [container('a', both('1')), container('b', {})] }, 'Burstable'],
    ['an init container without limits', { containers: [container('a', both('1'))], initContainers: [container('i', {})] }, 'Burstable'],
    ['requests below limits', { containers: [container('a', { ...both('2'), requests: { cpu: '1', memory: '1Gi' } })] }, 'Burstable'],
    ['no memory limit', { containers: [container('a', { limits: { cpu: '1' }, requests: { cpu: '1' } })] }, 'Burstable'],
    ['pod-level resources', { containers: [container('a', {})], resources: both('1') }, 'Guaranteed'],
  ])('%s', (_name, spec, expected) => expect(computePodQos(spec)).toBe(expected));
});
