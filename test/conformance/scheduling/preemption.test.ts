import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';
import { SchedulingScene } from './scene.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
const resource = 'scheduling.k8s.io/foo';
const classes = { 'sched-preemption-low': 1, 'sched-preemption-medium': 100, 'sched-preemption-high': 1000 };

describe.skipIf(unavailable)('scheduling/preemption', () => {
  const cluster = useCluster('conformance-preemption');
  const scene = new SchedulingScene(cluster);
  const foo = (count: number): Json => ({ resources: { requests: { [resource]: String(count) }, limits: { [resource]: String(count) } } });
  const of = (name: string, priority: 'low' | 'medium' | 'high', count = 2): Json =>
    scene.pod(name, { priorityClassName: `sched-preemption-${priority}` }, foo(count));

  beforeAll(async () => {
    for (const [name, value] of Object.entries(classes)) await scene.priorityClass(name, value);
    await scene.offer(resource, '5');
  });

  afterAll(async () => {
    await scene.removePriorityClasses(...Object.keys(classes));
    await scene.offer(resource, null);
  });

  const fill = async (): Promise<void> => {
    await scene.create(of('victim', 'low'));
    await scene.create(of('other', 'medium'));
    await scene.running('victim');
    await scene.running('other');
  };

  test('Scheduler, Basic Preemption', async () => {
    await fill();
    await scene.create(of('preemptor', 'high'));
    await scene.running('preemptor');
    await scene.gone('victim');
    expect((await scene.get('other')).metadata.deletionTimestamp).toBeUndefined();
    await scene.remove('preemptor', 'other');
  });

  test('Scheduler, Preemption for critical pod', async () => {
    await fill();
    const critical = scene.pod('critical-pod', { priorityClassName: 'system-cluster-critical' }, foo(2));
    await scene.create(critical, 'kube-system');
    try {
      await scene.running('critical-pod', 'kube-system');
      await scene.gone('victim');
      expect((await scene.get('other')).metadata.deletionTimestamp).toBeUndefined();
    } finally {
      await cluster.api('DELETE', scene.path('/critical-pod?gracePeriodSeconds=0', 'kube-system'));
      await scene.remove('other');
    }
  });

  test('Verify the DisruptionTarget condition is added to the preempted pod', async () => {
    const finalizer = 'example.com/test-finalizer';
    const victim = of('victim', 'low', 5);
    await scene.create({ ...victim, metadata: { ...victim.metadata, finalizers: [finalizer] } });
    await scene.running('victim');
    await scene.create(of('preemptor', 'high', 5));
    const preempted = await eventually(async () => {
      const pod = await scene.get('victim');
      expect(pod.metadata.deletionTimestamp).toBeDefined();
      return pod;
    });
    expect(preempted.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
      }),
    );
    await cluster.api('PATCH', scene.path('/victim'), { metadata: { finalizers: null } }, mergePatch);
    await scene.running('preemptor');
    await scene.remove('preemptor');
  });

  test('Pod preemption verification', async () => {
    const priorities = [1, 2, 3, 4].map((value) => ({ name: `sched-preemption-p${value}`, value }));
    for (const { name, value } of priorities) await scene.priorityClass(name, value);
    await scene.offer(resource, '10');
    const sets = (rest = ''): string => cluster.path('apps/v1', `replicasets${rest}`);
    const created: string[] = [];
    /** Pods of the set that run, and how many were made for it in all. */
    const runSet = async (name: string, priorityClassName: string, replicas: number, each: number): Promise<void> => {
      const pod = scene.pod(name, { priorityClassName }, foo(each));
      const selector = { matchLabels: { name } };
      const template = { metadata: { labels: { name } }, spec: pod.spec };
      created.push(name);
      await cluster.api('POST', sets(), { metadata: { name }, spec: { replicas, selector, template } });
    };
    const available = (name: string, count: number): Promise<void> =>
      eventually(async () => expect((await cluster.api('GET', sets(`/${name}`))).status.availableReplicas ?? 0).toBe(count));
    await using watch = await HeldWatch.open(cluster.transport(), scene.path('?labelSelector=name'));
    try {
      await runSet('rs-pod1', 'sched-preemption-p1', 5, 1);
      await runSet('rs-pod2', 'sched-preemption-p2', 2, 1);
      await runSet('rs-pod3', 'sched-preemption-p3', 1, 3);
      await available('rs-pod1', 5);
      await available('rs-pod2', 2);
      await available('rs-pod3', 1);
      // Five pods of one and two of priority 1 and 2 fill it with one of three: the fourth takes from the lowest only.
      await runSet('rs-pod4', 'sched-preemption-p4', 1, 4);
      await available('rs-pod4', 1);
      await available('rs-pod1', 1);
      await available('rs-pod2', 2);
      await available('rs-pod3', 1);
      const made = new Map<string, number>();
      for (let seen = await watch.nextOrNothing(500); seen; seen = await watch.nextOrNothing(500)) {
        if (seen.type !== 'ADDED') continue;
        const { name } = seen.object.metadata.labels;
        made.set(name, (made.get(name) ?? 0) + 1);
      }
      // Four of the lowest were made anew and wait; nobody else was touched.
      expect(Object.fromEntries(made)).toEqual({ 'rs-pod1': 9, 'rs-pod2': 2, 'rs-pod3': 1, 'rs-pod4': 1 });
    } finally {
      for (const name of created) await cluster.request('DELETE', sets(`/${name}`), { propagationPolicy: 'Foreground' });
      for (const name of created) await eventually(async () => expect((await cluster.request('GET', sets(`/${name}`))).status).toBe(404));
      await scene.removePriorityClasses(...priorities.map(({ name }) => name));
      await scene.offer(resource, '5');
    }
  });

  test('Scheduler, Verify PriorityClass endpoints', async () => {
    const classesPath = '/apis/scheduling.k8s.io/v1/priorityclasses';
    const made = [
      { metadata: { name: 'sched-preemption-e1' }, value: 1, description: 'one' },
      { metadata: { name: 'sched-preemption-e2' }, value: 2, description: 'two' },
    ];
    for (const each of made) await cluster.api('POST', classesPath, each);
    try {
      for (const each of made) {
        const current = await cluster.api('GET', `${classesPath}/${each.metadata.name}`);
        expect(current).toMatchObject(each);
        const refused = await cluster.request('PUT', `${classesPath}/${each.metadata.name}`, { ...current, value: each.value * 10 });
        expect(refused.status).toBe(422);
        expect(refused.text).toContain('may not be changed in an update');
        const name = `${classesPath}/${each.metadata.name}`;
        expect((await cluster.request('PATCH', name, { value: each.value * 10 }, mergePatch)).status).toBe(422);
        const put = await cluster.api('PUT', name, { ...current, description: 'updated' });
        expect(put.description).toBe('updated');
        const patched = await cluster.api('PATCH', name, { description: 'patched' }, mergePatch);
        expect(patched.description).toBe('patched');
      }
      const listed = await cluster.api('GET', classesPath);
      const names = listed.items.map(({ metadata }: Json) => metadata.name);
      expect(names).toEqual(expect.arrayContaining(made.map(({ metadata }) => metadata.name)));
    } finally {
      await scene.removePriorityClasses(...made.map(({ metadata }) => metadata.name));
    }
  });
});
