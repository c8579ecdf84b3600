/** Who writes a status does not come to own the fields that such a write cannot change. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/api/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const labels = { metadata: { labels: { team: 'blue' } } };
const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' };
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const flowSchema = {
  priorityLevelConfiguration: { name: 'exempt' },
  rules: [{ subjects: [{ kind: 'User', user: { name: 'jane' } }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }],
};

describe('the writer of the status', () => {
  test.each<[string, string, JsonObject, JsonObject, string[]]>([
    [
      'a Deployment',
      '/apis/apps/v1/namespaces/default/deployments',
      { apiVersion: 'apps/v1', kind: 'Deployment', spec: { selector: { matchLabels: { a: 'b' } }, template } },
      { ...labels, spec: { replicas: 3 }, status: { replicas: 1 } },
      ['f:status'],
    ],
    [
      'a Pod, but for its labels',
      '/api/v1/namespaces/default/pods',
      { apiVersion: 'v1', kind: 'Pod', spec: template.spec },
      { metadata: { ...labels.metadata, ownerReferences: [owner] }, status: { message: 'm' } },
      ['f:metadata', 'f:status'],
    ],
    [
      'a FlowSchema',
      '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
      { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', spec: flowSchema },
      { ...labels, status: { conditions: [{ type: 'Dangling', status: 'False' }] } },
      ['f:status'],
    ],
    [
      'a VolumeAttachment',
      '/apis/storage.k8s.io/v1/volumeattachments',
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'VolumeAttachment',
        spec: { attacher: 'example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } },
      },
      { ...labels, status: { attached: true } },
      ['f:status'],
    ],
  ])('of %s', async (_, path, object, patch, owned) => {
    const created = await server.http('POST', path, { ...object, metadata: { name: 'one' } });
    expect(created).toMatchObject({ status: 201 });
    const headers = { 'content-type': 'application/merge-patch+json' };
    const { json } = await server.http('PATCH', `${path}/one/status?fieldManager=observer`, patch, { headers });
    const entry = json.metadata.managedFields.find(({ manager }: JsonObject) => manager === 'observer');
    expect(Object.keys(entry.fieldsV1)).toEqual(owned);
    if (entry.fieldsV1['f:metadata']) expect(Object.keys(entry.fieldsV1['f:metadata'])).toEqual(['f:labels']);
  });
});
