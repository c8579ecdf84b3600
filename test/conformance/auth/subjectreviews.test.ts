import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('auth/subjectreviews', () => {
  const cluster = useCluster('conformance-reviews');

  test('SubjectReview, API Operations', async () => {
    const group = '/apis/authorization.k8s.io';
    expect((await cluster.api('GET', group)).versions.map(({ version }: Json) => version)).toContain('v1');
    const { resources } = await cluster.api('GET', `${group}/v1`);
    const names = resources.map(({ name }: Json) => name);
    expect(names).toEqual(expect.arrayContaining(['localsubjectaccessreviews', 'selfsubjectaccessreviews', 'subjectaccessreviews']));

    // A ServiceAccount, by name and by what its token lets it do, before and after it was given a right.
    await cluster.api('POST', cluster.path('v1', 'serviceaccounts'), { metadata: { name: 'e2e' } });
    const user = `system:serviceaccount:${cluster.namespace}:e2e`;
    const resourceAttributes = { verb: 'list', resource: 'configmaps', namespace: cluster.namespace, version: 'v1' };
    const spec = { user, groups: [], resourceAttributes };
    const local = `${group}/v1/namespaces/${cluster.namespace}/localsubjectaccessreviews`;
    const allowed = async (): Promise<boolean[]> => {
      const review = await cluster.api('POST', `${group}/v1/subjectaccessreviews`, { spec });
      const localReview = await cluster.api('POST', local, { metadata: { namespace: cluster.namespace }, spec });
      return [review.status.allowed, localReview.status.allowed];
    };
    expect(await allowed()).toEqual([false, false]);
    await cluster.api('POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${cluster.namespace}/rolebindings`, {
      metadata: { name: 'e2e' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace: cluster.namespace }],
    });
    await eventually(async () => expect(await allowed()).toEqual([true, true]));
    const { status } = await cluster.api('POST', `${cluster.path('v1', 'serviceaccounts')}/e2e/token`, {
      spec: { expirationSeconds: 600 },
    });
    const listed = await cluster.request('GET', cluster.path('v1', 'configmaps'), undefined, { token: status.token });
    expect(listed.status).toBe(200);
    const secrets = await cluster.request('GET', cluster.path('v1', 'secrets'), undefined, { token: status.token });
    expect(secrets.status).toBe(403);
    expect(secrets.json.message).toBe(
      `secrets is forbidden: User "${user}" cannot list resource "secrets" in API group "" in the namespace "${cluster.namespace}"`,
    );
    // A local review speaks of its own namespace only.
    const elsewhere = { ...spec, resourceAttributes: { ...resourceAttributes, namespace: 'default' } };
    expect((await cluster.request('POST', local, { metadata: { namespace: cluster.namespace }, spec: elsewhere })).status).toBe(422);
  });
});
