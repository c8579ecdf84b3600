import { describe, expect, test } from 'vitest';
import { sleeper } from '../../e2e/manifests.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('apimachinery/namespace', () => {
  const cluster = useCluster('conformance-namespaces');
  const path = (name = ''): string => `/api/v1/namespaces${name && `/${name}`}`;
  const create = (name: string, metadata: Json = {}): Promise<Json> => cluster.api('POST', path(), { metadata: { name, ...metadata } });
  const gone = (name: string): Promise<void> =>
    eventually(async () => {
      expect((await cluster.request('GET', path(name))).status).toBe(404);
    });
  /** A namespace can be made anew when nothing of the former is left. */
  const recreatedEmpty = async (name: string, resource: string): Promise<void> => {
    await create(name);
    expect((await cluster.api('GET', path(`${name}/${resource}`))).items).toEqual([]);
    await cluster.api('DELETE', path(name));
    await gone(name);
  };

  test('namespace-deletion-removes-pods', async () => {
    const name = 'conformance-ns-pods';
    await create(name);
    await eventually(() => cluster.api('GET', path(`${name}/serviceaccounts/default`)));
    await cluster.api('POST', path(`${name}/pods`), sleeper('test-pod'));
    await eventually(async () => expect((await cluster.api('GET', path(`${name}/pods/test-pod`))).status.phase).toBe('Running'));
    await cluster.api('DELETE', path(name));
    await gone(name);
    await recreatedEmpty(name, 'pods');
  });

  test('namespace-deletion-removes-services', async () => {
    const name = 'conformance-ns-services';
    await create(name);
    await cluster.api('POST', path(`${name}/services`), {
      metadata: { name: 'test' },
      spec: { selector: { a: 'b' }, ports: [{ port: 80 }] },
    });
    await cluster.api('DELETE', path(name));
    await gone(name);
    await recreatedEmpty(name, 'services');
  });

  test('Namespace patching', async () => {
    const name = 'conformance-ns-patch';
    await create(name);
    await cluster.api(
      'PATCH',
      path(name),
      { metadata: { labels: { testLabel: 'testValue' } } },
      {
        headers: { 'content-type': 'application/strategic-merge-patch+json' },
      },
    );
    expect((await cluster.api('GET', path(name))).metadata.labels).toEqual({ testLabel: 'testValue', 'kubernetes.io/metadata.name': name });
    await cluster.api('DELETE', path(name));
  });

  test('Namespace, apply update to a namespace', async () => {
    const name = 'conformance-ns-update';
    await create(name);
    const updated = await eventually(async () => {
      const current = await cluster.api('GET', path(name));
      current.metadata.labels = { ...current.metadata.labels, [name]: 'updated' };
      return cluster.api('PUT', path(name), current);
    });
    expect(updated.metadata.labels[name]).toBe('updated');
    expect((await cluster.api('GET', path(name))).metadata.labels[name]).toBe('updated');
    await cluster.api('DELETE', path(name));
  });

  test('Namespace, apply changes to a namespace status', async () => {
    const name = 'conformance-ns-status';
    await create(name);
    expect((await cluster.api('GET', path(`${name}/status`))).status.phase).toBe('Active');
    const condition = { type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched by a test' };
    const patched = await cluster.api('PATCH', path(`${name}/status`), { status: { conditions: [condition] } }, mergePatch);
    expect(patched.status.conditions).toEqual([expect.objectContaining(condition)]);
    const update = { ...condition, type: 'StatusUpdate', message: 'Updated by a test' };
    const updated = await eventually(async () => {
      const current = await cluster.api('GET', path(name));
      current.status.conditions = [...current.status.conditions, update];
      // Through the status only the status is written.
      current.metadata.labels = { ...current.metadata.labels, ignored: 'yes' };
      return cluster.api('PUT', path(`${name}/status`), current);
    });
    expect(updated.status.conditions.map(({ type }: Json) => type)).toEqual(['StatusPatch', 'StatusUpdate']);
    expect(updated.status.phase).toBe('Active');
    await cluster.api('DELETE', path(name));
  });

  test('Namespace, apply finalizer to a namespace', async () => {
    const name = 'conformance-ns-finalizer';
    const finalizer = 'e2e.example.com/fakeFinalizer';
    const created = await create(name);
    expect(created.spec.finalizers).toEqual(['kubernetes']);
    const finalized = await cluster.api('PUT', path(`${name}/finalize`), { ...created, spec: { finalizers: ['kubernetes', finalizer] } });
    expect(finalized.spec.finalizers).toEqual(['kubernetes', finalizer]);
    await cluster.api('DELETE', path(name));
    await eventually(async () => {
      const { spec, status } = await cluster.api('GET', path(name));
      expect(status.phase).toBe('Terminating');
      expect(spec.finalizers).toEqual([finalizer]);
    });
    await cluster.api('PUT', path(`${name}/finalize`), { ...(await cluster.api('GET', path(name))), spec: {} });
    await gone(name);
  });

  test('Ordered Namespace Deletion', async () => {
    const name = 'conformance-ns-ordered';
    const finalizer = 'e2e.example.com/finalizer';
    await create(name);
    await eventually(() => cluster.api('GET', path(`${name}/serviceaccounts/default`)));
    const pod: Json = JSON.parse(sleeper('held'));
    pod.metadata.finalizers = [finalizer];
    await cluster.api('POST', path(`${name}/pods`), pod);
    await cluster.api('POST', path(`${name}/configmaps`), { metadata: { name: 'kept', finalizers: [finalizer] } });
    await using watch = await HeldWatch.open(cluster.transport(), path(`${name}/configmaps?fieldSelector=metadata.name%3Dkept`));
    expect((await watch.next()).type).toBe('ADDED');
    await cluster.api('DELETE', path(name));
    // While a pod is left, nothing else is removed, and the namespace says so.
    await eventually(async () => {
      expect((await cluster.api('GET', path(`${name}/pods/held`))).metadata.deletionTimestamp).toBeDefined();
      const { status } = await cluster.api('GET', path(name));
      expect(status.conditions?.map(({ type }: Json) => type) ?? []).toContain('NamespaceDeletionContentFailure');
    });
    expect((await cluster.api('GET', path(`${name}/configmaps/kept`))).metadata.deletionTimestamp).toBeUndefined();
    await cluster.api('PATCH', path(`${name}/pods/held`), { metadata: { finalizers: null } }, mergePatch);
    await watch.until(({ object }) => object.metadata.deletionTimestamp !== undefined);
    expect((await cluster.request('GET', path(`${name}/pods/held`))).status).toBe(404);
    await cluster.api('PATCH', path(`${name}/configmaps/kept`), { metadata: { finalizers: null } }, mergePatch);
    await gone(name);
  });
});
