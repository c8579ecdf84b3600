import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('apimachinery/flowcontrol', () => {
  const cluster = useCluster('conformance-flowcontrol');
  const group = '/apis/flowcontrol.apiserver.k8s.io';

  /** The life of an object of the group, every verb of it. */
  const lifecycle = async (resource: string, spec: Json, change: Json, changed: (spec: Json) => unknown): Promise<void> => {
    const found = await cluster.api('GET', `${group}/`);
    expect(found.versions.map(({ version }: Json) => version)).toContain('v1');
    const { resources } = await cluster.api('GET', `${group}/v1`);
    const names = resources.map(({ name }: Json) => name);
    expect(names).toEqual(expect.arrayContaining([resource, `${resource}/status`]));
    const path = `${group}/v1/${resource}`;
    const label = `conformance-${resource}`;
    const selector = `labelSelector=${label}%3Dyes`;
    const name = `e2e-example-${resource.slice(0, 4)}`;
    const create = (suffix = ''): Promise<Json> =>
      cluster.api('POST', path, { metadata: { name: `${name}${suffix}`, labels: { [label]: 'yes' } }, spec });
    await create('-zero');
    await cluster.api('DELETE', `${path}?${selector}`);
    const { metadata } = await cluster.api('GET', path);
    await using watch = await HeldWatch.open(cluster.transport(), `${path}?${selector}&resourceVersion=${metadata.resourceVersion}`);
    const created = await create();
    expect(await cluster.api('GET', `${path}/${name}`)).toMatchObject({ metadata: { uid: created.metadata.uid }, spec });
    expect((await cluster.api('GET', `${path}?${selector}`)).items).toHaveLength(1);
    expect((await watch.next()).type).toBe('ADDED');
    const patched = await cluster.api(
      'PATCH',
      `${path}/${name}`,
      { metadata: { annotations: { patched: 'true' } }, spec: change },
      mergePatch,
    );
    expect(patched.metadata.annotations).toMatchObject({ patched: 'true' });
    expect(changed(patched.spec)).toBe(changed(change));
    expect((await watch.until(({ object }) => object.metadata.annotations?.patched === 'true')).type).toBe('MODIFIED');
    const condition = { type: 'e2e.example.com/Tested', status: 'False', reason: 'Test', message: 'by a test' };
    const withStatus = await cluster.api('PATCH', `${path}/${name}/status`, { status: { conditions: [condition] } }, mergePatch);
    expect(withStatus.status.conditions).toContainEqual(expect.objectContaining(condition));
    // The server's own conditions come in between.
    const updated = await eventually(async () => {
      const current = await cluster.api('GET', `${path}/${name}/status`);
      current.status.conditions = current.status.conditions.map((one: Json) => ({ ...one, status: 'True' }));
      return cluster.api('PUT', `${path}/${name}/status`, current);
    });
    expect(updated.status.conditions.find(({ type }: Json) => type === condition.type).status).toBe('True');
    await cluster.api('DELETE', `${path}/${name}`);
    expect((await watch.until(({ type }) => type === 'DELETED')).object.metadata.name).toBe(name);
    expect((await cluster.request('GET', `${path}/${name}`)).status).toBe(404);
    await Promise.all(['-one', '-two'].map(create));
    expect((await cluster.api('GET', `${path}?${selector}`)).items).toHaveLength(2);
    await cluster.api('DELETE', `${path}?${selector}`);
    expect((await cluster.api('GET', `${path}?${selector}`)).items).toEqual([]);
  };

  test('Priority and Fairness FlowSchema API', () =>
    lifecycle(
      'flowschemas',
      {
        matchingPrecedence: 10_000,
        priorityLevelConfiguration: { name: 'global-default' },
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existing-user' } }],
            nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
          },
        ],
      },
      { matchingPrecedence: 9_999 },
      ({ matchingPrecedence }) => matchingPrecedence,
    ));

  test('Priority and Fairness PriorityLevelConfiguration API', () =>
    lifecycle(
      'prioritylevelconfigurations',
      { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } },
      { limited: { nominalConcurrencyShares: 4 } },
      ({ limited }) => limited.nominalConcurrencyShares,
    ));
});
