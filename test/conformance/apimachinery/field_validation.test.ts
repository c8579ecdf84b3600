import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('apimachinery/field_validation', () => {
  const cluster = useCluster('conformance-fields');
  const path = (rest = ''): string => cluster.path('apps/v1', `deployments${rest}`);
  const deployment = (name: string): string =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'image' }] } },
      },
    });
  const warningsOf = (headers: Json): string[] => [headers['warning'] ?? []].flat().flatMap((line: string) => line.split(', 299 - '));

  test('Server side field validation, typed object', async () => {
    // One field nobody knows, one given twice.
    const bad = deployment('typed').replace('"replicas":0', '"replicas":0,"unknownField":1,"paused":true,"paused":true');
    const strict = await cluster.request('POST', path('?fieldValidation=Strict'), bad);
    expect(strict.status).toBe(400);
    expect(strict.json).toMatchObject({ kind: 'Status', reason: 'BadRequest' });
    expect(strict.json.message).toContain('unknown field "spec.unknownField"');
    expect(strict.json.message).toContain('duplicate field "spec.paused"');
    expect((await cluster.request('GET', path('/typed'))).status).toBe(404);
    const warned = await cluster.request('POST', path('?fieldValidation=Warn'), bad);
    expect(warned.status).toBe(201);
    const warnings = warningsOf(warned.headers).join('\n');
    expect(warnings).toContain('unknown field \\"spec.unknownField\\"');
    expect(warnings).toContain('duplicate field \\"spec.paused\\"');
    const ignored = await cluster.request('POST', path('?fieldValidation=Ignore'), bad.replaceAll('typed', 'typed-ignored'));
    expect(ignored.status).toBe(201);
    expect(ignored.headers['warning']).toBeUndefined();
    expect(ignored.json.spec.unknownField).toBeUndefined();
    // Without a word of the client the server warns.
    expect(warningsOf((await cluster.request('PUT', path('/typed'), bad)).headers).join('\n')).toContain('spec.unknownField');
    for (const type of ['merge-patch', 'strategic-merge-patch']) {
      const patch = { spec: { alsoUnknown: 1 } };
      const headers = { 'content-type': `application/${type}+json` };
      const refused = await cluster.request('PATCH', path('/typed?fieldValidation=Strict'), patch, { headers });
      // What a patch leads to is judged as an object, not as a body.
      expect(refused.status).toBe(422);
      expect(refused.json.message).toContain('unknown field "spec.alsoUnknown"');
    }
    const apply = await cluster.request(
      'PATCH',
      path('/typed?fieldValidation=Strict&fieldManager=test&force=true'),
      deployment('typed').replace('"replicas":0', '"replicas":0,"unknownField":1'),
      {
        headers: { 'content-type': 'application/apply-patch+yaml' },
      },
    );
    expect(apply.status).toBe(400);
    expect(apply.json.message).toContain('spec.unknownField');
  });

  test('Server side field validation, typed unknown metadata', async () => {
    const root = deployment('metadata').replace('"metadata":{"name":"metadata"', '"metadata":{"name":"metadata","unknownMeta":"foo"');
    const strict = await cluster.request('POST', path('?fieldValidation=Strict'), root);
    expect(strict.status).toBe(400);
    expect(strict.json.message).toContain('unknown field "metadata.unknownMeta"');
    const embedded = deployment('metadata').replace('"metadata":{"labels"', '"metadata":{"unknownSubMeta":"bar","labels"');
    const alsoStrict = await cluster.request('POST', path('?fieldValidation=Strict'), embedded);
    expect(alsoStrict.status).toBe(400);
    expect(alsoStrict.json.message).toContain('unknown field "spec.template.metadata.unknownSubMeta"');
    const applied = await cluster.request('PATCH', path('/metadata?fieldValidation=Strict&fieldManager=test'), root, {
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
    expect(applied.status).toBe(400);
    expect(applied.json.message).toContain('metadata.unknownMeta');
    // A label is no field: any key is fine there.
    const labelled = deployment('metadata').replace(
      '"metadata":{"name":"metadata"',
      '"metadata":{"name":"metadata","labels":{"any":"one"}',
    );
    expect((await cluster.request('POST', path('?fieldValidation=Strict'), labelled)).status).toBe(201);
  });
});
