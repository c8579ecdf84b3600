/** Priority and fairness against the running server. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ExtensionFactory } from '../../src/apiserver/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

const base = '/apis/flowcontrol.apiserver.k8s.io/v1';

/** @param flags of flow control */
function extensions(flags: { readonly [flag: string]: number | boolean } = {}): ExtensionFactory[] {
  return testExtensions({
    bootstrap: { address: () => undefined, clientCa: undefined },
    flags,
  });
}

/** A path whose answer waits until the test lets it go. */
function gate(): { readonly extension: ExtensionFactory; readonly waiting: () => number; readonly open: () => void } {
  let waiting: (() => void)[] = [];
  return {
    extension: () => ({
      endpoints: [
        {
          path: '/gate',
          methods: ['GET'],
          handle: () =>
            new Promise((resolve) => {
              waiting.push(() => resolve({ type: 'bytes', status: 200, contentType: 'text/plain', body: 'ok' }));
            }),
        },
      ],
    }),
    waiting: () => waiting.length,
    open: () => {
      for (const go of waiting.splice(0)) go();
      waiting = [];
    },
  };
}

describe('a server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ extensions: extensions() });
  });

  afterAll(() => server.close());

  test('says on every answer how the request was classified', async () => {
    const answer = await server.http('GET', '/version');
    const schema = await server.http('GET', `${base}/flowschemas/exempt`);
    const level = await server.http('GET', `${base}/prioritylevelconfigurations/exempt`);
    expect(answer.headers).toMatchObject({
      'x-kubernetes-pf-flowschema-uid': schema.json.metadata.uid,
      'x-kubernetes-pf-prioritylevel-uid': level.json.metadata.uid,
    });
  });

  test('has the objects of every cluster, and says that their levels are there', async () => {
    const names = async (resource: string): Promise<string[]> =>
      (await server.http('GET', `${base}/${resource}`)).json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    expect(await names('prioritylevelconfigurations')).toEqual([
      'catch-all',
      'exempt',
      'global-default',
      'leader-election',
      'node-high',
      'system',
      'workload-high',
      'workload-low',
    ]);
    expect(await names('flowschemas')).toHaveLength(13);
    await vi.waitFor(
      async () => {
        const { json } = await server.http('GET', `${base}/flowschemas/service-accounts`);
        expect(json.status.conditions).toMatchObject([{ type: 'Dangling', status: 'False', reason: 'Found' }]);
        expect(json.metadata.annotations).toEqual({ 'apf.kubernetes.io/autoupdate-spec': 'true' });
      },
      { timeout: 20_000 },
    );
  });

  test('says that a level is missing', async () => {
    const rule = { subjects: [{ kind: 'User', user: { name: 'x' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] };
    const spec = { priorityLevelConfiguration: { name: 'nowhere' }, rules: [rule] };
    await server.http('POST', `${base}/flowschemas`, {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'lost' },
      spec,
    });
    await vi.waitFor(
      async () => {
        const { json } = await server.http('GET', `${base}/flowschemas/lost`);
        expect(json.status.conditions).toMatchObject([
          {
            type: 'Dangling',
            status: 'True',
            reason: 'NotFound',
            message: 'This FlowSchema references the PriorityLevelConfiguration object named "nowhere" but there is no such object',
          },
        ]);
      },
      { timeout: 20_000 },
    );
  });

  test('refuses to change what is mandatory', async () => {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const answer = await server.http('PATCH', `${base}/flowschemas/catch-all`, { spec: { matchingPrecedence: 9_999 } }, { headers });
    expect(answer.status).toBe(422);
    expect(answer.json.message).toContain("spec of 'catch-all' must equal the fixed value");
  });

  test('shows levels, queues and requests', async () => {
    const dump = async (what: string): Promise<string[]> =>
      (await server.http('GET', `/debug/api_priority_and_fairness/${what}`)).text.split('\n');
    const [heads, ...rows] = await dump('dump_priority_levels');
    expect(heads?.split(/,\s*/)).toEqual([
      'PriorityLevelName',
      'ActiveQueues',
      'IsIdle',
      'IsQuiescing',
      'WaitingRequests',
      'ExecutingRequests',
      'DispatchedRequests',
      'RejectedRequests',
      'TimedoutRequests',
      'CancelledRequests',
    ]);
    expect(rows.map((row) => row.split(',')[0])).toContain('workload-low');
    expect((await dump('dump_queues')).length).toBeGreaterThan(500);
    expect((await dump('dump_requests?includeRequestDetails=1'))[1]).toMatch(/^exempt, +exempt, .*kubernetes-admin, +get, +\/debug/);
  });

  test('counts under the names of upstream', async () => {
    const { text } = await server.http('GET', '/metrics');
    expect(text).toMatch(/^apiserver_flowcontrol_dispatched_requests_total\{priority_level="exempt",flow_schema="exempt"\} [1-9]/m);
    expect(text).toMatch(/^apiserver_flowcontrol_nominal_limit_seats\{priority_level="workload-low"\} 245$/m);
    expect(text).toMatch(/^apiserver_flowcontrol_current_executing_requests\{priority_level="exempt",flow_schema="exempt"\} 1$/m);
  });
});

test('with the plain limits one request too many is told to come back, but administrators get in', async () => {
  const flags = { 'enable-priority-and-fairness': false, 'max-requests-inflight': 2, 'max-mutating-requests-inflight': 1 };
  const held = gate();
  await using server = await startTestServer({ extensions: [...extensions(flags), held.extension] });
  const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'system:nodes' };
  const asked = Array.from({ length: 2 }, () => server.http('GET', '/gate'));
  await vi.waitFor(() => expect(held.waiting()).toBe(2), { timeout: 20_000 });
  const refused = await server.http('GET', '/version', undefined, { headers });
  expect(refused).toMatchObject({ status: 429, text: 'Too many requests, please try again later.\n' });
  expect(refused.headers).toMatchObject({ 'retry-after': '1', 'content-type': 'text/plain; charset=utf-8' });
  expect((await server.http('GET', '/version')).status).toBe(200);
  held.open();
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
  expect((await server.http('GET', '/version', undefined, { headers })).status).toBe(200);
});

test('requests beyond the seats of their level wait in queues, and go on in turn', async () => {
  const held = gate();
  await using server = await startTestServer({
    extensions: [...extensions({ 'max-requests-inflight': 3, 'max-mutating-requests-inflight': 0 }), held.extension],
  });
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'jane' },
    subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
    roleRef: { kind: 'ClusterRole', name: 'cluster-admin', apiGroup: 'rbac.authorization.k8s.io' },
  };
  expect((await server.http('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', binding)).status).toBe(201);
  const headers = { 'impersonate-user': 'jane' };
  const asked = Array.from({ length: 3 }, () => server.http('GET', '/gate', undefined, { headers }));
  // One seat: the others wait.
  await vi.waitFor(
    async () => {
      const { text } = await server.http('GET', '/metrics');
      expect(text).toMatch(
        /^apiserver_flowcontrol_current_inqueue_requests\{priority_level="global-default",flow_schema="global-default"\} 2$/m,
      );
    },
    { timeout: 20_000 },
  );
  expect(held.waiting()).toBe(1);
  let ended = 0;
  for (const each of asked) void each.then(() => ended++);
  await vi.waitFor(
    () => {
      held.open();
      expect(ended).toBe(3);
    },
    { timeout: 20_000 },
  );
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200]);
});
