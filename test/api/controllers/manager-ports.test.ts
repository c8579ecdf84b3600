/** Health and metrics of the controllers and the scheduler inside a control plane: on ports of their own, for whom the API server lets. */
import { request } from 'node:https';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { rbacv1Resources } from '../../../src/api/index.ts';
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts';
import { type Managers, startManagers } from '../../../src/controlplane/index.ts';
import { type ManagerPorts, openManagerPorts } from '../../../src/controlplane/manager-ports.ts';
import type { KeyPair } from '../certificates.ts';
import { startTestServer, type TestServer } from '../harness.ts';

let server: TestServer;
let managers: Managers;
let ports: ManagerPorts;
const stop = new AbortController();
const shared = { clock: systemClock, random: systemRandom, log: silentLogger };

beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'kube-system'] });
  const transport: Parameters<typeof startManagers>[0]['transport'] = (user, userAgent) => server.server.transport(user, userAgent);
  managers = startManagers({
    transport,
    podCidrs: ['10.1.0.0/16'],
    scheduler: {},
    election: { identity: 'test' },
    ...shared,
    signal: stop.signal,
  });
  const { ca, server: pair } = server.authority;
  const tls = { ...pair, clientCa: ca };
  ports = await openManagerPorts({ host: '127.0.0.1', managers, tls, api: server.server, knarrVersion: '0.0.0', ...shared, anyPort: true });
});
afterAll(async () => {
  await ports[Symbol.asyncDispose]();
  await managers.close();
  await server.close();
});

function get(component: string, path: string, identity?: KeyPair): Promise<{ readonly status: number; readonly body: string }> {
  const { ca } = server.authority;
  return new Promise((resolve, reject) => {
    const port = ports.ports.get(component);
    request({ host: '127.0.0.1', port, path, ca, agent: false, ...identity }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

test.each([
  ['kube-controller-manager', 'workqueue_depth{name="deployment-controller"}'],
  ['kube-scheduler', 'scheduler_pending_pods'],
])('%s shows its metrics to administrators', async (component, metric) => {
  await vi.waitFor(async () => {
    const { status, body } = await get(component, '/metrics', server.admin);
    expect(status).toBe(200);
    expect(body).toContain(`leader_election_master_status{name="${component}"} 1`);
    expect(body).toContain(metric);
    expect(body).toContain('process_resident_memory_bytes');
  }, 20_000);
});

test('health is open, metrics are not', async () => {
  expect(await get('kube-scheduler', '/healthz')).toEqual({ status: 200, body: 'ok' });
  const refused = await get('kube-scheduler', '/metrics');
  expect([refused.status, refused.body]).toEqual([403, expect.stringContaining('system:anonymous')]);
});

test('whoever has the right may see them', async () => {
  const scraper = await server.authority.client({ name: 'scraper', groups: [] });
  expect((await get('kube-controller-manager', '/metrics', scraper)).status).toBe(403);
  const { client } = server;
  const signal = stop.signal;
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'scrape' } } as const;
  await client.create(rbacv1Resources.clusterroles, { ...role, rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] }, { signal });
  const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'scrape' } } as const;
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'scrape' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'scraper' }];
  await client.create(rbacv1Resources.clusterrolebindings, { ...binding, roleRef, subjects }, { signal });
  await vi.waitFor(async () => expect((await get('kube-controller-manager', '/metrics', scraper)).status).toBe(200), 20_000);
});
