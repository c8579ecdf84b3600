import { describe, expect, it } from 'vitest';
import type { corev1, JsonObject, KubeObject } from '../../../src/api/index.ts';
import type { ResourceRequest, Transport, WatchEvent } from '../../../src/client/index.ts';
import { boundOnce } from './checks/bindings.ts';
import { countedOnce } from './checks/jobs.ts';
import { budgetKept, drivenOffForCause } from './checks/evictions.ts';
import { keptApart, withinQuota } from './checks/limits.ts';
import { sparedByOwners } from './checks/owners.ts';
import { boundOneToOne } from './checks/volumes.ts';
import { History } from './history.ts';
import { crash } from './world.ts';

const enoughSeeds = 12;

/** Requests of one kind go a wrong way. */
const wrong =
  (isMeant: (request: ResourceRequest) => boolean, send: (inner: Transport, request: ResourceRequest) => Promise<JsonObject>) =>
  (inner: Transport): Transport => ({ ...inner, request: (request) => (isMeant(request) ? send(inner, request) : inner.request(request)) });

const twice = wrong(
  ({ verb, resource }) => verb === 'create' && resource.plural === 'pods',
  async (inner, request) => {
    // Bindings are of pods too, and have no generated name.
    if (request.subresource === undefined) await inner.request(request);
    return inner.request(request);
  },
);

const bodyOf = ({ body }: ResourceRequest) => body as KubeObject & { readonly status?: { readonly succeeded?: number } };

/** Each object of a kind is made again, under another name. */
const again = (plural: string) =>
  wrong(
    ({ verb, resource }) => verb === 'create' && resource.plural === plural,
    async (inner, request) => {
      const { metadata, ...rest } = bodyOf(request);
      await inner.request({ ...request, body: { ...rest, metadata: { ...metadata, name: `${metadata.name}-again` } } });
      return inner.request(request);
    },
  );

/** Nodes seem to have more than they have. */
function boastful(inner: Transport): Transport {
  const boast = <T>(object: T): T => {
    const node = object as unknown as corev1.Node;
    if (node.kind !== 'Node' || node.status?.allocatable === undefined) return object;
    return { ...object, status: { ...node.status, allocatable: { ...node.status.allocatable, cpu: '64' } } };
  };
  return {
    ...inner,
    watch: async function* (request) {
      for await (const batch of inner.watch(request)) {
        yield batch.map((event): WatchEvent => ({ ...event, object: boast(event.object) }));
      }
    },
  };
}

const unfenced = (request: ResourceRequest): ResourceRequest => {
  const { fence: _fence, ...rest } = request;
  return rest;
};

/** As it is stored. */
const kindFirst = ({ kind, ...rest }: KubeObject): string => JSON.stringify({ kind, ...rest });

interface Planted {
  readonly bug: string;
  readonly scenario: string;
  readonly sabotage: (transport: Transport) => Transport;
  readonly caught: RegExp;
}

const planted: readonly Planted[] = [
  { bug: 'a pod is made twice for one wish', scenario: 'deployment', sabotage: twice, caught: /th of a ReplicaSet that wanted at most/ },
  { bug: 'a daemon is made twice', scenario: 'daemonset', sabotage: twice, caught: /th of its DaemonSet on node-/ },
  {
    bug: 'a daemon is made twice where one more may be',
    scenario: 'surging daemonset',
    sabotage: twice,
    caught: /th of its DaemonSet on node-/,
  },
  {
    bug: 'a template gets two ReplicaSets',
    scenario: 'deployment',
    sabotage: again('replicasets'),
    caught: /are of one template/,
  },
  {
    bug: 'a StatefulSet does not wait for the end of a pod',
    scenario: 'parallel statefulset',
    sabotage: wrong(
      ({ verb, resource }) => verb === 'delete' && resource.plural === 'pods',
      (inner, request) => inner.request({ ...request, body: { ...(request.body as object), gracePeriodSeconds: 0 } }),
    ),
    caught: /two pods web-\d run at once/,
  },
  { bug: 'the scheduler sees more room than there is', scenario: 'preemption', sabotage: boastful, caught: /m cpu; with pod/ },
  {
    bug: 'a Job adds one too many',
    scenario: 'job',
    sabotage: wrong(
      ({ resource, subresource, ...request }) => resource.plural === 'jobs' && subresource === 'status' && request.body !== undefined,
      (inner, request) => {
        const body = bodyOf(request);
        const { succeeded = 0 } = body.status ?? {};
        return inner.request(
          succeeded === 0 ? request : { ...request, body: { ...body, status: { ...body.status, succeeded: succeeded + 1 } } },
        );
      },
    ),
    caught: /succeeded grew by \d, and \d pods left/,
  },
  {
    bug: 'a Job lets pods go before it has noted them',
    scenario: 'job',
    sabotage: wrong(
      ({ resource, subresource }) => resource.plural === 'jobs' && subresource === 'status',
      (inner, request) => {
        const body = bodyOf(request);
        return inner.request({ ...request, body: { ...body, status: { ...body.status, uncountedTerminatedPods: {} } } });
      },
    ),
    caught: /was let go before job web had taken it into account/,
  },
  {
    bug: 'a Job names indexes that nobody has done',
    scenario: 'indexed job',
    sabotage: wrong(
      ({ resource, subresource }) => resource.plural === 'jobs' && subresource === 'status',
      (inner, request) => {
        const body = bodyOf(request);
        return inner.request({ ...request, body: { ...body, status: { ...body.status, completedIndexes: '0-4', succeeded: 5 } } });
      },
    ),
    caught: /no pod of index \d succeeded/,
  },
  {
    bug: 'nothing is ever deleted',
    scenario: 'deployment',
    sabotage: wrong(
      ({ verb }) => verb === 'delete',
      () => Promise.resolve({}),
    ),
    caught: /the world did not become what was asked for/,
  },
  {
    bug: 'an index gets two pods',
    scenario: 'job with a limit an index',
    sabotage: twice,
    caught: /are both of index \d/,
  },
  {
    bug: 'a time starts two Jobs',
    scenario: 'cronjob',
    sabotage: again('jobs'),
    caught: /were both started for|are under way at once/,
  },
  {
    bug: 'a leader that was stopped writes when another leads',
    scenario: 'two managers',
    sabotage: (inner) => ({ ...inner, request: (request) => inner.request(unfenced(request)) }),
    caught: /wrote \(.*\), and .* leads/,
  },
];

describe('the checks of a history', () => {
  it.each(planted)('find it when $bug', async ({ scenario, sabotage, caught }) => {
    const found: string[] = [];
    for (let seed = 0; seed < enoughSeeds && !found.some((fault) => caught.test(fault)); seed++) {
      found.push(...(await crash(seed, { scenario, sabotage })).faults);
    }
    expect(found.find((fault) => caught.test(fault))).toBeDefined();
  });

  /** As much of a pod as the checks look at. */
  const pod = (change: { readonly spec?: object; readonly metadata?: object; readonly status?: object }): KubeObject =>
    ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1', ...change.metadata },
      spec: { containers: [], ...change.spec },
      status: { ...change.status },
    }) as unknown as KubeObject;

  it('find a pod that changes its node', () => {
    const history = new History([boundOnce]);
    history.take({ timeMs: 0, kind: 'Pod', old: pod({}), now: pod({ spec: { nodeName: 'a' } }) });
    expect([...history.faults]).toEqual([]);
    history.take({ timeMs: 0, kind: 'Pod', old: pod({ spec: { nodeName: 'a' } }), now: pod({ spec: { nodeName: 'b' } }) });
    expect([...history.faults]).toEqual(['0.000 s: pod web was bound to a and then to b']);
  });

  const configMap = (name: string, change: object = {}): KubeObject =>
    ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, uid: name, resourceVersion: '1', ...change } }) as unknown as KubeObject;

  it('find what was deleted though its owner lives', () => {
    const history = new History([sparedByOwners]);
    const change = (key: string, now: KubeObject | undefined): void =>
      history.record({ timeMs: 0, revision: 1, key, value: now && Buffer.from(kindFirst(now)) });
    change('owner', configMap('owner'));
    const child = configMap('child', { ownerReferences: [{ uid: 'owner' }] });
    change('child', child);
    expect([...history.faults]).toEqual([]);
    change('child', undefined);
    expect([...history.faults]).toEqual(['0.000 s: child was deleted, whose owner owner lives']);
  });

  it('find pods beyond a quota', () => {
    const history = new History([withinQuota]);
    const change = (key: string, now: object): void =>
      history.record({ timeMs: 0, revision: 1, key, value: Buffer.from(kindFirst(now as KubeObject)) });
    change('quota', { kind: 'ResourceQuota', metadata: { name: 'few', uid: 'q' }, spec: { hard: { pods: '1' } } });
    change('a', pod({ metadata: { name: 'a', uid: 'a' } }));
    expect([...history.faults]).toEqual([]);
    change('b', pod({ metadata: { name: 'b', uid: 'b' } }));
    expect([...history.faults]).toEqual(['0.000 s: pod b is the 2th, and quota few allows 1']);
  });

  it('find a volume with two claims, and a claim with two volumes', () => {
    const history = new History([boundOneToOne]);
    const change = (kind: string, name: string, spec: object): void => {
      const object = { kind, metadata: { name, uid: name }, spec } as unknown as KubeObject;
      history.record({ timeMs: 0, revision: 1, key: `${kind} ${name}`, value: Buffer.from(kindFirst(object)) });
    };
    change('PersistentVolume', 'one', { claimRef: { uid: 'data' } });
    change('PersistentVolumeClaim', 'data', { volumeName: 'one' });
    expect([...history.faults]).toEqual([]);
    change('PersistentVolumeClaim', 'other', { volumeName: 'one' });
    change('PersistentVolumeClaim', 'data', { volumeName: 'two' });
    change('PersistentVolume', 'one', { claimRef: { uid: 'other' } });
    expect([...history.faults]).toEqual([
      '0.000 s: claims other and data are bound to one',
      '0.000 s: claim other is bound to one, which is given to data',
      '0.000 s: claim data was bound to one and then to two',
      '0.000 s: volume one was taken from claim data and given to other',
    ]);
  });

  it('find a pod that is put beside one that it keeps away from', () => {
    const history = new History([keptApart]);
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }] } };
    const make = (name: string, nodeName: string): void => {
      const made = pod({ metadata: { name, uid: name, labels: { app: 'web' } }, spec: { affinity, nodeName } });
      history.record({ timeMs: 0, revision: 1, key: name, value: Buffer.from(kindFirst(made)) });
    };
    make('first', 'a');
    make('second', 'b');
    expect([...history.faults]).toEqual([]);
    make('third', 'b');
    expect([...history.faults]).toEqual(['0.000 s: pod third was put beside second, on b']);
  });

  const disruption = (reason: string): object => ({ conditions: [{ type: 'DisruptionTarget', status: 'True', reason }] });

  it.each([
    ['DeletionByTaintManager', 'pod web was driven off a, which has no taint'],
    ['DeletionByPodGC', 'pod web was collected, and a stands'],
  ])('find a pod that is driven off without cause: %s', (reason, fault) => {
    const history = new History([drivenOffForCause()]);
    const node = { kind: 'Node', metadata: { name: 'a', uid: 'a' }, spec: {} };
    history.record({ timeMs: 0, revision: 1, key: 'a', value: Buffer.from(kindFirst(node as unknown as KubeObject)) });
    const bound = pod({ spec: { nodeName: 'a' } });
    history.take({ timeMs: 0, kind: 'Pod', old: bound, now: pod({ spec: { nodeName: 'a' }, status: disruption(reason) }) });
    expect([...history.faults]).toEqual([`0.000 s: ${fault}`]);
  });

  it('find an eviction that the budget does not allow', () => {
    const history = new History([budgetKept]);
    const budget = { kind: 'PodDisruptionBudget', metadata: { name: 'b', uid: 'b' }, spec: { minAvailable: 1, selector: {} } };
    history.record({ timeMs: 0, revision: 1, key: 'b', value: Buffer.from(kindFirst(budget as unknown as KubeObject)) });
    const ready = { type: 'Ready', status: 'True' };
    const old = pod({ status: { conditions: [ready] } });
    const evicted = { conditions: [ready, { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] };
    history.take({ timeMs: 0, kind: 'Pod', old, now: pod({ metadata: { deletionTimestamp: 'now' }, status: evicted }) });
    expect([...history.faults]).toEqual(['0.000 s: pod web was evicted: 0 are ready, and 1 must be']);
  });

  it('find a pod that a Job counts twice', () => {
    const history = new History([countedOnce()]);
    const job = (status: object): KubeObject =>
      ({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'web', uid: 'j', resourceVersion: '1' },
        spec: {},
        status,
      }) as unknown as KubeObject;
    const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'web', uid: 'j', controller: true }];
    const waits = { uncountedTerminatedPods: { failed: ['u'] } };
    const steps = [{}, waits, { failed: 1 }, { failed: 1, ...waits }, { failed: 2 }].map(job);
    history.take({ timeMs: 0, kind: 'Job', old: undefined, now: job({}) });
    history.take({ timeMs: 0, kind: 'Pod', old: undefined, now: pod({ metadata: { ownerReferences }, status: { phase: 'Failed' } }) });
    for (const [at, now] of steps.entries()) history.take({ timeMs: 0, kind: 'Job', old: steps[at - 1], now });
    expect([...history.faults]).toContain('0.000 s: job web counts pod u again, as failed');
  });
});
