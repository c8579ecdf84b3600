import { describe, expect, test } from 'vitest';
import { sleeper } from '../../e2e/manifests.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('apps/disruption', () => {
  const cluster = useCluster('conformance-disruption');

  /** A namespace of its own for each test: budgets and pods of others would count. */
  const inNamespace = async (name: string, run: (scene: Scene) => Promise<void>): Promise<void> => {
    const scene = new Scene(`${cluster.namespace}-${name}`);
    await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: scene.namespace } });
    try {
      await eventually(() => cluster.api('GET', `/api/v1/namespaces/${scene.namespace}/serviceaccounts/default`));
      await run(scene);
    } finally {
      await cluster.api('DELETE', `/api/v1/namespaces/${scene.namespace}`);
    }
  };

  class Scene {
    readonly namespace: string;

    constructor(namespace: string) {
      this.namespace = namespace;
    }

    budgets(rest = ''): string {
      return `/apis/policy/v1/namespaces/${this.namespace}/poddisruptionbudgets${rest}`;
    }

    pods(rest = ''): string {
      return `/api/v1/namespaces/${this.namespace}/pods${rest}`;
    }

    create(name: string, spec: Json, labels: Json = {}): Promise<Json> {
      const selector = { matchLabels: { foo: 'bar' } };
      return cluster.api('POST', this.budgets(), { metadata: { name, labels }, spec: { selector, ...spec } });
    }

    /** Waits until the controller has seen the budget as it is. */
    processed(name: string): Promise<Json> {
      return eventually(async () => {
        const budget = await cluster.api('GET', this.budgets(`/${name}`));
        expect(budget.status.observedGeneration).toBe(budget.metadata.generation);
        return budget;
      });
    }

    healthy(name: string, counts: Json): Promise<Json> {
      return eventually(async () => {
        const budget = await this.processed(name);
        expect(budget.status).toMatchObject(counts);
        return budget;
      });
    }

    async runPods(...names: string[]): Promise<void> {
      for (const name of names) {
        const pod = JSON.parse(sleeper(name));
        await cluster.api('POST', this.pods(), { ...pod, metadata: { ...pod.metadata, labels: { foo: 'bar' } } });
      }
      await eventually(async () => {
        const { items } = await cluster.api('GET', this.pods());
        const ready = items.filter(({ status }: Json) =>
          status.conditions?.some(({ type, status: is }: Json) => type === 'Ready' && is === 'True'),
        );
        expect(ready.map(({ metadata }: Json) => metadata.name)).toEqual(expect.arrayContaining(names));
      });
    }

    evict(name: string): Promise<{ readonly status: number; readonly json: Json }> {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: this.namespace } };
      return cluster.request('POST', this.pods(`/${name}/eviction`), body);
    }
  }

  test('PodDisruptionBudget: create, update, patch, and delete object', () =>
    inNamespace('life', async (scene) => {
      await scene.create('defaultname', { minAvailable: '1%' });
      const made = await scene.processed('defaultname');
      await cluster.api('PUT', scene.budgets('/defaultname'), { ...made, spec: { ...made.spec, minAvailable: '2%' } });
      expect((await scene.processed('defaultname')).spec.minAvailable).toBe('2%');
      await cluster.api('PATCH', scene.budgets('/defaultname'), { spec: { minAvailable: '3%' } }, mergePatch);
      expect((await scene.processed('defaultname')).spec.minAvailable).toBe('3%');
      await cluster.api('DELETE', scene.budgets('/defaultname'));
      expect((await cluster.request('GET', scene.budgets('/defaultname'))).status).toBe(404);
    }));

  test('PodDisruptionBudget: list and delete collection', () =>
    inNamespace('collection', (scene) =>
      inNamespace('collection-other', async (other) => {
        const labels = { 'conformance-collection': 'yes' };
        await scene.create('foo', { minAvailable: 1 }, labels);
        await scene.create('foo2', { minAvailable: '1%' }, labels);
        await other.create('foo3', { minAvailable: 3 }, labels);
        const everywhere = '/apis/policy/v1/poddisruptionbudgets?labelSelector=conformance-collection%3Dyes';
        const names = async (path: string): Promise<string[]> =>
          (await cluster.api('GET', path)).items.map(({ metadata }: Json) => metadata.name).sort();
        expect(await names(everywhere)).toEqual(['foo', 'foo2', 'foo3']);
        expect(await names(scene.budgets())).toEqual(['foo', 'foo2']);
        await cluster.api('DELETE', scene.budgets('?labelSelector=conformance-collection%3Dyes'));
        await eventually(async () => expect(await names(scene.budgets())).toEqual([]));
        expect(await names(everywhere)).toEqual(['foo3']);
      }),
    ));

  test('PodDisruptionBudget: Status updates', () =>
    inNamespace('status', async (scene) => {
      await scene.create('defaultname', { minAvailable: 1 });
      await scene.runPods('pod-1', 'pod-2', 'pod-3');
      const { status } = await scene.healthy('defaultname', { currentHealthy: 3, expectedPods: 3 });
      expect(status).toMatchObject({ desiredHealthy: 1, disruptionsAllowed: 2 });
      expect(status.conditions).toMatchObject([{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }]);
    }));

  test('PodDisruptionBudget: update and patch status', () =>
    inNamespace('write-status', async (scene) => {
      await scene.create('defaultname', { minAvailable: 1 });
      await scene.runPods('pod-1', 'pod-2', 'pod-3');
      await scene.healthy('defaultname', { currentHealthy: 3 });
      const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const updated = await eventually(async () => {
        const budget = await cluster.api('GET', scene.budgets('/defaultname'));
        const body = { ...budget, status: { ...budget.status, disruptedPods: { 'pod-1': now } } };
        return cluster.api('PUT', scene.budgets('/defaultname/status'), body);
      });
      expect(updated.status.disruptedPods).toHaveProperty('pod-1');
      // The pod is expected to go, and does not count meanwhile.
      await scene.healthy('defaultname', { currentHealthy: 2, disruptionsAllowed: 1 });
      const change = { status: { disruptedPods: { 'pod-1': null, 'pod-2': now } } };
      const patched = await cluster.api('PATCH', scene.budgets('/defaultname/status'), change, mergePatch);
      expect(patched.status.disruptedPods).toEqual({ 'pod-2': now });
      const kept = await scene.healthy('defaultname', { currentHealthy: 2 });
      expect(kept.status.disruptedPods).toEqual({ 'pod-2': now });
    }));

  test('PodDisruptionBudget: block an eviction until the PDB is updated to allow it', () =>
    inNamespace('eviction', async (scene) => {
      const refused = async (name: string): Promise<void> => {
        const { status, json } = await scene.evict(name);
        expect(status).toBe(429);
        expect(json.details.causes).toMatchObject([{ reason: 'DisruptionBudget' }]);
      };
      await scene.create('defaultname', { minAvailable: 3 });
      await scene.runPods('pod-1', 'pod-2', 'pod-3');
      await scene.healthy('defaultname', { currentHealthy: 3 });
      await refused('pod-1');

      const budget = await scene.processed('defaultname');
      await cluster.api('PUT', scene.budgets('/defaultname'), { ...budget, spec: { ...budget.spec, minAvailable: 2 } });
      await scene.healthy('defaultname', { currentHealthy: 3, disruptionsAllowed: 1 });
      expect((await scene.evict('pod-1')).status).toBe(201);
      await eventually(async () => expect((await cluster.request('GET', scene.pods('/pod-1'))).status).toBe(404));

      await scene.runPods('pod-4');
      await cluster.api('PATCH', scene.budgets('/defaultname'), { spec: { minAvailable: 3 } }, mergePatch);
      await scene.healthy('defaultname', { currentHealthy: 3, disruptionsAllowed: 0 });
      await refused('pod-2');
      await cluster.api('DELETE', scene.budgets('/defaultname'));
      expect((await scene.evict('pod-2')).status).toBe(201);
      await eventually(async () => expect((await cluster.request('GET', scene.pods('/pod-2'))).status).toBe(404));
    }));
});
