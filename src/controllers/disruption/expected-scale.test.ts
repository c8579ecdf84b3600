import { describe, expect, it } from 'vitest';
import { type corev1, type JsonObject, type KubeObject, notFound } from '../../api/index.ts';
import { VirtualClock } from '../../base/index.ts';
import { createClient, type Lister, type Transport } from '../../client/index.ts';
import { ScaleTargets } from '../scale/scale-targets.ts';
import { expectedScale } from './expected-scale.ts';

const owned = (kind: string, name: string, apiVersion = 'apps/v1'): object => ({
  apiVersion,
  kind,
  name,
  uid: `uid-${name}`,
  controller: true,
});
const pod = (name: string, owner?: object): corev1.Pod =>
  ({ metadata: { name, namespace: 'ns', ...(owner && { ownerReferences: [owner] }) } }) as unknown as corev1.Pod;
const workload = (name: string, replicas: number, owner?: object): KubeObject =>
  ({ metadata: { name, uid: `uid-${name}`, ...(owner && { ownerReferences: [owner] }) }, spec: { replicas } }) as unknown as KubeObject;

function listerOf<T extends KubeObject>(...objects: readonly KubeObject[]): Lister<T> {
  // The rows give each lister objects of its kind.
  const all = objects as readonly T[];
  return { get: ({ name }) => all.find(({ metadata }) => metadata.name === name), list: () => all, byIndex: () => [] };
}

/** Serves herds, which have a scale, and flocks, which have none. */
const transport: Transport = {
  request: ({ resource, name = '' }): Promise<JsonObject> => {
    const missing = notFound({ group: 'example.com', resource: resource.plural, name });
    if (resource.plural !== 'herds') return Promise.reject(Object.assign(missing, { details: {} }));
    if (name !== 'cows') return Promise.reject(missing);
    return Promise.resolve({ metadata: { name, uid: 'uid-cows' }, spec: { replicas: 7 }, status: { replicas: 1 } });
  },
  async *watch(): AsyncGenerator<never> {},
  discover: () => {
    const ref = (kind: string, plural: string): object => ({ group: 'example.com', version: 'v1', kind, plural, namespaced: true });
    const resources = [ref('Herd', 'herds'), ref('Flock', 'flocks')].map((each) => ({ ref: each, verbs: [], preferred: true }));
    return Promise.resolve({ resources: resources as never, failures: [] });
  },
  close: () => Promise.resolve(),
};

const sources = {
  replicationControllers: listerOf<corev1.ReplicationController>(workload('rc', 2)),
  replicaSets: listerOf<never>(
    workload('old', 1, owned('Deployment', 'web')),
    workload('new', 2, owned('Deployment', 'web')),
    workload('set', 4),
  ),
  deployments: listerOf<never>(workload('web', 3)),
  statefulSets: listerOf<never>(workload('db', 5)),
};

async function count(...pods: readonly corev1.Pod[]): Promise<string> {
  const targets = new ScaleTargets(createClient(transport), new VirtualClock());
  try {
    const { scale, unmanaged } = await expectedScale({ ...sources, targets }, pods, new AbortController().signal);
    return [String(scale), ...unmanaged].join(' without ');
  } catch (error) {
    return (error as Error).message;
  }
}

describe('how many pods there should be', () => {
  const rows: [string, readonly corev1.Pod[], string][] = [
    ['none of none', [], '0'],
    ['of a ReplicaSet', [pod('a', owned('ReplicaSet', 'set')), pod('b', owned('ReplicaSet', 'set'))], '4'],
    ['of a Deployment, once for all its ReplicaSets', [pod('a', owned('ReplicaSet', 'old')), pod('b', owned('ReplicaSet', 'new'))], '3'],
    ['of an older controller', [pod('a', owned('ReplicationController', 'rc', 'v1'))], '2'],
    ['of a StatefulSet', [pod('a', owned('StatefulSet', 'db'))], '5'],
    ['of whatever has a scale', [pod('a', owned('Herd', 'cows', 'example.com/v1'))], '7'],
    [
      'of all together',
      [pod('a', owned('StatefulSet', 'db')), pod('b', owned('Herd', 'cows', 'example.com/v1')), pod('c')],
      '12 without c',
    ],
    [
      'not of what has no scale',
      [pod('a', owned('Flock', 'sheep', 'example.com/v1'))],
      'flocks.example.com does not implement the scale subresource',
    ],
    ['not of what is gone', [pod('a', owned('Herd', 'goats', 'example.com/v1'))], 'found no controllers for pod "a"'],
    [
      'not of what nobody knows',
      [pod('a', owned('Pack', 'dogs', 'example.com/v1'))],
      'no matches for kind "Pack" in version "example.com/v1"',
    ],
  ];
  it.each(rows)('%s', async (_, pods, expected) => expect(await count(...pods)).toBe(expected));
});
