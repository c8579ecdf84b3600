/**
 * Nobody reaches what nobody gave them: subjects × verbs × resources, tried against the running server, beside what the policy says.
 * Then the ways to get more than one has.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources, isApiError, rbacv1Resources, type rbacv1 } from '../../src/api/index.ts';
import { serviceAccountUser, type UserInfo } from '../../src/apiserver/index.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

const { signal } = new AbortController();
const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1` as const;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'other'] });
  const { client } = server;
  const role = (name: string, rules: rbacv1.PolicyRule[]): Promise<unknown> =>
    client.create(rbacv1Resources.roles, { apiVersion, kind: 'Role', metadata: { name, namespace: 'default' }, rules }, { signal });
  const bind = (name: string, roleRef: rbacv1.RoleRef, subject: rbacv1.Subject): Promise<unknown> =>
    client.create(
      rbacv1Resources.rolebindings,
      { apiVersion, kind: 'RoleBinding', metadata: { name, namespace: 'default' }, roleRef, subjects: [subject] },
      { signal },
    );
  await role('one-map', [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs: ['get', 'update', 'list', 'watch'] },
  ]);
  await role('logs', [{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }]);
  await bind('named', { apiGroup: group, kind: 'Role', name: 'one-map' }, { apiGroup: group, kind: 'User', name: 'named' });
  await bind('logger', { apiGroup: group, kind: 'Role', name: 'logs' }, { apiGroup: group, kind: 'Group', name: 'loggers' });
  await bind(
    'robot',
    { apiGroup: group, kind: 'ClusterRole', name: 'system:aggregate-to-view' },
    { kind: 'ServiceAccount', name: 'robot', namespace: 'default' },
  );
  await bind('dangling', { apiGroup: group, kind: 'Role', name: 'gone' }, { apiGroup: group, kind: 'User', name: 'lost' });
});
afterAll(() => server.close());

const known = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] });
const subjects = {
  master: known('admin', 'system:masters'),
  nobody: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
  jane: known('jane'),
  named: known('named'),
  logger: known('peter', 'loggers'),
  robot: serviceAccountUser({ namespace: 'default', name: 'robot', uid: 'u' }),
  otherRobot: serviceAccountUser({ namespace: 'other', name: 'robot', uid: 'u' }),
  node: known('system:node:n1', 'system:nodes'),
  nodeless: known('system:node:n1'),
  proxy: known('system:kube-proxy'),
  scheduler: known('system:kube-scheduler'),
  manager: known('system:kube-controller-manager'),
  jobs: serviceAccountUser({ namespace: 'kube-system', name: 'job-controller', uid: 'u' }),
  collector: serviceAccountUser({ namespace: 'kube-system', name: 'generic-garbage-collector', uid: 'u' }),
} as const satisfies Record<string, UserInfo>;
type Subject = keyof typeof subjects;

const everyone = Object.keys(subjects) as Subject[];
const pods = '/api/v1/namespaces/default/pods';
const maps = '/api/v1/namespaces/default/configmaps';

/** Who may; everybody else may not. */
const table: readonly (readonly [string, string, readonly Subject[]])[] = [
  ['GET', pods, ['master', 'robot', 'scheduler', 'manager', 'jobs', 'collector']],
  ['GET', `${pods}/p`, ['master', 'robot', 'scheduler', 'collector']],
  ['GET', `${pods}/p/log`, ['master', 'robot', 'logger', 'collector']],
  ['GET', `${pods}?fieldSelector=spec.nodeName%3Dn1`, ['master', 'robot', 'node', 'scheduler', 'manager', 'jobs', 'collector']],
  ['GET', `${pods}?fieldSelector=spec.nodeName%3Dn2`, ['master', 'robot', 'scheduler', 'manager', 'jobs', 'collector']],
  ['DELETE', `${pods}/p`, ['master', 'node', 'scheduler', 'jobs', 'collector']],
  ['DELETE', pods, ['master']],
  ['GET', '/api/v1/namespaces/other/pods', ['master', 'scheduler', 'manager', 'jobs', 'collector']],
  ['GET', `${maps}/mine`, ['master', 'named', 'robot', 'manager', 'collector']],
  ['GET', `${maps}/yours`, ['master', 'robot', 'manager', 'collector']],
  ['GET', maps, ['master', 'robot', 'manager', 'collector']],
  ['GET', `${maps}?fieldSelector=metadata.name%3Dmine`, ['master', 'named', 'robot', 'manager', 'collector']],
  ['GET', '/api/v1/namespaces/default/secrets', ['master', 'manager', 'collector']],
  ['GET', '/api/v1/namespaces/default/secrets/s', ['master', 'manager', 'collector']],
  ['GET', '/api/v1/nodes/n1', ['master', 'node', 'proxy', 'scheduler', 'collector']],
  ['GET', '/api/v1/nodes/n2', ['master', 'proxy', 'scheduler', 'collector']],
  ['GET', '/api/v1/nodes', ['master', 'proxy', 'scheduler', 'manager', 'collector']],
  ['PATCH', '/api/v1/nodes/n1/status', ['master', 'node', 'collector']],
  ['GET', '/api/v1/services', ['master', 'node', 'proxy', 'scheduler', 'manager', 'collector']],
  ['GET', '/apis/discovery.k8s.io/v1/endpointslices', ['master', 'proxy', 'manager', 'collector']],
  ['GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1', ['master', 'node', 'collector']],
  ['GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2', ['master', 'collector']],
  ['GET', `/apis/${group}/v1/clusterroles`, ['master', 'manager', 'collector']],
  ['DELETE', `/apis/${group}/v1/clusterroles/cluster-admin`, ['master', 'collector']],
  ['GET', '/metrics', ['master']],
  ['GET', '/api', everyone.filter((subject) => subject !== 'nobody')],
  ['GET', '/version', everyone],
  ['GET', '/readyz', everyone],
  ['GET', '/openid/v1/jwks', ['master', 'robot', 'otherRobot', 'jobs', 'collector']],
];

describe.each(table)('%s %s', (method, path, allowed) => {
  test('is open to those who may, and to nobody else', async () => {
    const open: Subject[] = [];
    for (const subject of everyone) {
      const { name, groups } = subjects[subject];
      const headers = { 'impersonate-user': name, ...(groups.length > 0 && { 'impersonate-group': [...groups] }) };
      // A request that would change something is one that fails after it was allowed.
      const change = method === 'DELETE' ? '?dryRun=All' : '';
      const { status } = await server.http(method, path + change, method === 'PATCH' ? '[' : undefined, { headers });
      if (status !== 403) open.push(subject);
    }
    expect(open).toEqual(everyone.filter((subject) => allowed.includes(subject)));
  });
});

const as = (user: UserInfo): Client => createClient(server.server.transport(user));
const messageOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'allowed';
  } catch (error) {
    if (!isApiError(error)) throw error;
    return error.message;
  }
};

test('a refusal names the role that a binding points to and that is gone', async () => {
  expect(await messageOf(as(known('lost')).list(corev1Resources.pods, { namespace: 'default', signal }))).toBe(
    'pods is forbidden: User "lost" cannot list resource "pods" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "gone" not found',
  );
});

describe('nobody gives more than they have', () => {
  const keeper = known('keeper');
  const writes: rbacv1.PolicyRule = { apiGroups: [group], resources: ['*'], verbs: ['create', 'update', 'patch'] };
  const reads: rbacv1.PolicyRule = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
  const give = async (name: string, rules: rbacv1.PolicyRule[], user = 'keeper'): Promise<void> => {
    const { client } = server;
    await client.create(rbacv1Resources.clusterroles, { apiVersion, kind: 'ClusterRole', metadata: { name }, rules }, { signal });
    const roleRef = { apiGroup: group, kind: 'ClusterRole', name };
    const subjects = [{ apiGroup: group, kind: 'User', name: user }];
    await client.create(
      rbacv1Resources.clusterrolebindings,
      { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects },
      { signal },
    );
  };
  const makeRole = (rules: rbacv1.PolicyRule[], user = keeper, name = 'made'): Promise<unknown> =>
    as(user).create(
      rbacv1Resources.roles,
      { apiVersion, kind: 'Role', metadata: { name, namespace: 'default' }, rules },
      { signal, query: { dryRun: 'All' } },
    );
  const bindRole = (name: string, user = keeper): Promise<unknown> =>
    as(user).create(
      rbacv1Resources.rolebindings,
      {
        apiVersion,
        kind: 'RoleBinding',
        metadata: { name: 'made', namespace: 'default' },
        roleRef: { apiGroup: group, kind: 'ClusterRole', name },
        subjects: [{ apiGroup: group, kind: 'User', name: 'friend' }],
      },
      { signal, query: { dryRun: 'All' } },
    );
  beforeAll(() => give('keeper', [writes, reads]));

  test('a role holds what its writer holds', async () => {
    expect(await messageOf(makeRole([reads]))).toBe('allowed');
    expect(
      await messageOf(
        makeRole([
          { ...reads, verbs: ['get', 'delete', 'create'] },
          { apiGroups: [''], resources: ['nodes/*'], verbs: ['get'] },
        ]),
      ),
    ).toBe(
      'roles.rbac.authorization.k8s.io "made" is forbidden: user "keeper" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["nodes/*"], Verbs:["get"]}\n{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}',
    );
  });

  test('a binding gives what its writer holds', async () => {
    expect(await messageOf(bindRole('keeper'))).toBe('allowed');
    expect(await messageOf(bindRole('cluster-admin'))).toBe(
      'rolebindings.rbac.authorization.k8s.io "made" is forbidden: user "keeper" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
    );
    expect(await messageOf(bindRole('nothing'))).toBe('clusterroles.rbac.authorization.k8s.io "nothing" not found');
  });

  test('an aggregation is for those who may do everything', async () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
    const role = { apiVersion, kind: 'ClusterRole', metadata: { name: 'all' }, aggregationRule } as const;
    expect(await messageOf(as(keeper).create(rbacv1Resources.clusterroles, role, { signal }))).toBe(
      'clusterroles.rbac.authorization.k8s.io "all" is forbidden: must have cluster-admin privileges to use an aggregationRule',
    );
  });

  test('unless the verbs escalate and bind say otherwise', async () => {
    await give('escalator', [writes, { apiGroups: [group], resources: ['roles'], verbs: ['escalate'] }], 'escalator');
    await give('binder', [writes, { apiGroups: [group], resources: ['clusterroles'], resourceNames: ['view'], verbs: ['bind'] }], 'binder');
    expect(await messageOf(makeRole([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }], known('escalator')))).toBe('allowed');
    expect(await messageOf(bindRole('view', known('binder')))).toBe('allowed');
    expect(await messageOf(bindRole('system:aggregate-to-edit', known('binder')))).not.toBe('allowed');
  });
});
