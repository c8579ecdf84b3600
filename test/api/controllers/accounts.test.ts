/** Controllers under their own ServiceAccounts: the objects are there, and have the rights that the work needs. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { appsv1, corev1 } from '../../../src/api/index.ts';
import type { UserInfo } from '../../../src/apiserver/index.ts';
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts';
import { type Managers, startManagers } from '../../../src/controlplane/index.ts';
import { startTestServer, type TestServer } from '../harness.ts';

let server: TestServer;
let managers: Managers;
const users = new Set<string>();
const stop = new AbortController();

beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'kube-system'] });
  managers = startManagers({
    transport: (user: UserInfo, userAgent) => {
      users.add(user.name);
      return server.server.transport(user, userAgent);
    },
    podCidrs: ['10.1.0.0/16'],
    rootCa: server.authority.ca,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    signal: stop.signal,
  });
});
afterAll(async () => {
  await managers.close();
  await server.close();
});

test('every controller has an account', async () => {
  const wanted = [...users].flatMap((user) => (user.startsWith('system:serviceaccount:kube-system:') ? [user.split(':')[3]!] : []));
  expect(wanted).toContain('deployment-controller');
  await vi.waitFor(async () => {
    const { json } = await server.http('GET', '/api/v1/namespaces/kube-system/serviceaccounts');
    const names = (json as corev1.ServiceAccountList).items.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(wanted));
  }, 20_000);
});

test('a controller has the rights to do its work and tell of it as its account', async () => {
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
    },
  };
  expect((await server.http('POST', '/apis/apps/v1/namespaces/default/deployments', object)).status).toBe(201);
  await vi.waitFor(async () => {
    const { json } = await server.http('GET', '/api/v1/namespaces/default/events?fieldSelector=reason%3DScalingReplicaSet');
    expect((json as corev1.EventList).items).toMatchObject([{ source: { component: 'deployment-controller' } }]);
  }, 20_000);
  const { json } = await server.http('GET', '/apis/apps/v1/namespaces/default/replicasets');
  const [set] = (json as appsv1.ReplicaSetList).items;
  expect(set?.metadata.managedFields?.map(({ manager }) => manager)).toContain('kube-controller-manager');
});
