/** What single objects take of a quota, and which objects a scope means. */
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../object.ts';
import { formatAmounts, growth, readAmounts, exceededNames } from './amounts.ts';
import { isInScopes, type QuotaEvaluator, type ScopeRequirement } from './evaluator.ts';
import { quotaEvaluatorFor } from './registry.ts';

const nowMs = Date.parse('2026-01-01T00:01:00Z');

function evaluatorOf(plural: string, group = ''): QuotaEvaluator {
  const evaluator = quotaEvaluatorFor({ group, plural });
  if (!evaluator) throw new Error(`${plural} is not counted`);
  return evaluator;
}

const object = (fields: object): KubeObject =>
  ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'a' }, ...fields }) as unknown as KubeObject;
const usageOf = (plural: string, fields: object): string => formatAmounts(evaluatorOf(plural).usage(object(fields), nowMs));

describe('a pod', () => {
  const container = (requests: object, limits: object = {}): object => ({ name: 'c', resources: { requests, limits } });
  const plain = { spec: { containers: [container({ cpu: '1' })] } };
  const rows: [string, object, string][] = [
    ['that asks for nothing', { spec: { containers: [{ name: 'c' }] } }, 'count/pods=1,pods=1'],
    [
      'with requests and limits',
      {
        spec: {
          containers: [container({ cpu: '100m', memory: '1Mi' }, { cpu: '1', 'ephemeral-storage': '1Gi' }), container({ cpu: '1' })],
        },
      },
      'count/pods=1,cpu=1100m,limits.cpu=1,limits.ephemeral-storage=1Gi,memory=1Mi,pods=1,requests.cpu=1100m,requests.memory=1Mi',
    ],
    [
      'with devices and huge pages',
      { spec: { containers: [container({ 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi' })] } },
      'count/pods=1,hugepages-2Mi=4Mi,pods=1,requests.example.com/gpu=2,requests.hugepages-2Mi=4Mi',
    ],
    [
      'with the overhead of its runtime',
      { spec: { ...plain.spec, overhead: { cpu: '250m' } } },
      'count/pods=1,cpu=1250m,pods=1,requests.cpu=1250m',
    ],
    [
      'with resources of its own',
      { spec: { ...plain.spec, resources: { requests: { cpu: '3' } } } },
      'count/pods=1,cpu=3,pods=1,requests.cpu=3',
    ],
    ['that has ended', { ...plain, status: { phase: 'Succeeded' } }, 'count/pods=1'],
    [
      'that should have ended a while ago',
      { ...plain, metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 } },
      'count/pods=1',
    ],
    [
      'that is ending',
      { ...plain, metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:55Z', deletionGracePeriodSeconds: 30 } },
      'count/pods=1,cpu=1,pods=1,requests.cpu=1',
    ],
    [
      'whose container got more than it asks for',
      { ...plain, status: { containerStatuses: [{ name: 'c', allocatedResources: { cpu: '2' }, resources: { requests: { cpu: '2' } } }] } },
      'count/pods=1,cpu=2,pods=1,requests.cpu=2',
    ],
  ];
  test.each(rows)('%s', (_, fields, expected) => expect(usageOf('pods', fields)).toBe(expected));

  test('gives back when it ends, and when its containers get other resources', () => {
    const pods = evaluatorOf('pods');
    const frees = (before: object, after: object): boolean => pods.frees!(object(before), object(after), nowMs);
    const allocated = (cpu: string): object => ({ ...plain, status: { containerStatuses: [{ name: 'c', allocatedResources: { cpu } }] } });
    expect(frees(plain, { ...plain, status: { phase: 'Failed' } })).toBe(true);
    expect(frees(plain, { ...plain, status: { phase: 'Running' } })).toBe(false);
    expect(frees(allocated('2'), allocated('1'))).toBe(true);
    expect(frees(allocated('1'), allocated('1000m'))).toBe(false);
  });

  test.each([
    ['pods', true],
    ['count/pods', true],
    ['requests.example.com/gpu', true],
    ['example.com/gpu', false],
    ['requests.hugepages-1Gi', true],
    ['requests.storage', false],
    ['count/services', false],
  ])('is what %s speaks of: %j', (name, expected) => expect(evaluatorOf('pods').matchesResource(name)).toBe(expected));
});

describe('a claim', () => {
  const spec = { resources: { requests: { storage: '1500m' } }, storageClassName: 'gold' };
  const rows: [string, object, string][] = [
    ['without storage', { spec: {} }, 'count/persistentvolumeclaims=1,persistentvolumeclaims=1'],
    [
      'takes whole bytes, also of its class',
      { spec },
      'count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/requests.storage=2,persistentvolumeclaims=1,requests.storage=2',
    ],
    [
      'that was larger takes what it has',
      { spec: { resources: { requests: { storage: '1Gi' } } }, status: { allocatedResources: { storage: '5Gi' } } },
      'count/persistentvolumeclaims=1,persistentvolumeclaims=1,requests.storage=5Gi',
    ],
    [
      'of a class in an annotation',
      { metadata: { name: 'a', annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' } }, spec: {} },
      'count/persistentvolumeclaims=1,old.storageclass.storage.k8s.io/persistentvolumeclaims=1,persistentvolumeclaims=1',
    ],
  ];
  test.each(rows)('%s', (_, fields, expected) => expect(usageOf('persistentvolumeclaims', fields)).toBe(expected));

  const scope = (operator: ScopeRequirement['operator'], values?: string[]): ScopeRequirement => ({
    scopeName: 'VolumeAttributesClass',
    operator,
    ...(values && { values }),
  });
  test.each<[ScopeRequirement, object, boolean]>([
    [scope('Exists'), { spec: {} }, false],
    [scope('DoesNotExist'), { spec: {} }, true],
    [scope('Exists'), { spec: { volumeAttributesClassName: 'fast' } }, true],
    [scope('In', ['fast']), { spec: {}, status: { currentVolumeAttributesClassName: 'fast' } }, true],
    [scope('In', ['fast']), { spec: {}, status: { modifyVolumeStatus: { targetVolumeAttributesClassName: 'slow' } } }, false],
    [scope('NotIn', ['fast']), { spec: { volumeAttributesClassName: 'fast' }, status: { currentVolumeAttributesClassName: 'slow' } }, true],
    [{ scopeName: 'Terminating', operator: 'Exists' }, { spec: {} }, false],
  ])('is in the scope %j: %j %j', (requirement, fields, expected) => {
    expect(isInScopes(evaluatorOf('persistentvolumeclaims'), [requirement], object(fields))).toBe(expected);
  });

  test('is counted anew when what it has changes', () => {
    const claims = evaluatorOf('persistentvolumeclaims');
    const write = (subresource: string, before: object, after: object): boolean =>
      claims.handles({ operation: 'UPDATE', subresource, object: object(after), oldObject: object(before) });
    expect(write('', { spec }, { spec })).toBe(true);
    expect(write('status', { spec }, { spec, status: { phase: 'Bound' } })).toBe(false);
    expect(write('status', { spec }, { spec, status: { allocatedResources: { storage: '2' } } })).toBe(true);
  });
});

describe('everything else', () => {
  test('is counted', () => {
    expect(usageOf('configmaps', {})).toBe('configmaps=1,count/configmaps=1');
    expect(formatAmounts(evaluatorOf('deployments', 'apps').usage(object({}), nowMs))).toBe('count/deployments.apps=1');
    expect(isInScopes(evaluatorOf('configmaps'), [{ scopeName: 'BestEffort', operator: 'Exists' }], object({}))).toBe(false);
  });

  test.each(['events', 'bindings'])('but for %s', (plural) => expect(quotaEvaluatorFor({ group: '', plural })).toBeUndefined());
});

describe('amounts', () => {
  test('grow only where there is more', () => {
    const [now, before] = [readAmounts({ cpu: '2', memory: '1Gi', pods: '1' }), readAmounts({ cpu: '500m', memory: '2Gi' })];
    expect(formatAmounts(growth(now, before))).toBe('cpu=1500m,pods=1');
  });

  test('are exceeded only where there is a limit', () => {
    expect([...exceededNames(readAmounts({ cpu: '2', pods: '9' }), readAmounts({ cpu: '1999m' }))]).toEqual(['cpu']);
  });
});
