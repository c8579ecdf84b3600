import { describe, expect, test } from 'vitest';
import { unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('apimachinery/table_conversion', () => {
  const cluster = useCluster('conformance-table');

  test('API metadata HTTP return', async () => {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { nonResourceAttributes: { path: '/' } },
    };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const asTable = await cluster.request('POST', path, review, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    // A review has no metadata to make a row of.
    expect(asTable.status).toBe(406);
    expect(asTable.json).toMatchObject({ kind: 'Status', reason: 'NotAcceptable', code: 406 });
    // The same client is served where there are rows.
    const table = await cluster.api('GET', cluster.path('v1', 'configmaps'), undefined, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
  });
});
