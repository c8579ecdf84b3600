import { describe, expect, it } from 'vitest';
import type { corev1, JsonObject, KubeObject } from '../../../src/api/index.ts';
import type { ResourceRequest, Transport, WatchEvent } from '../../../src/client/index.ts';
import { boundOnce } from './checks/bindings.ts';
import { countedOnce } from './checks/jobs.ts';
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
    sabotage: wrong(
      ({ verb, resource }) => verb === 'create' && resource.plural === 'replicasets',
      async (inner, request) => {
        const { metadata, ...rest } = bodyOf(request);
        await inner.request({ ...request, body: { ...rest, metadata: { ...metadata, name: `${metadata.name}-again` } } });
        return inner.request(request);
      },
    ),
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
