/** What asking RBAC costs each request: upstream's default roles, and as many again of one's own as a large company's cluster has. */
import { rbacv1Resources } from '../src/api/index.ts';
import { builtinResources } from '../src/api/kinds/index.ts';
import { createApiServer, standardExtensions, type UserInfo } from '../src/apiserver/index.ts';
import { assert, silentLogger, systemClock } from '../src/base/index.ts';
import { createClient } from '../src/client/index.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { type Figure, quantile } from './figure.ts';

const moreRoles = 1_000;
const checks = 200_000;
const warmUp = 50_000;
const admin: UserInfo = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

export async function measureRbac(): Promise<Figure[]> {
  const store = createMemoryStore({ clock: systemClock });
  const server = await createApiServer({
    store,
    resources: builtinResources,
    log: silentLogger,
    extensions: standardExtensions({ serverAddress: () => '127.0.0.1:6443', version: { knarrVersion: '0.0.0' }, allocators: {} }),
  });
  try {
    await fill(server);
    const { authorize } = server.host;
    const taken: Record<'allowed' | 'refused', number[]> = { allowed: [], refused: [] };
    for (let i = 0; i < checks; i++) {
      const n = i % moreRoles;
      const isAllowed = i % 2 === 0;
      const user: UserInfo = { name: `user-${n}`, groups: [`group-${n}`, 'everyone', 'system:authenticated'] };
      const access = { ...asked, resource: isAllowed ? `kind-${n}` : 'secrets' };
      const start = performance.now();
      const verdict = authorize(user, access);
      const endMs = performance.now();
      assert(!(verdict instanceof Promise) && (verdict.decision === 'allow') === isAllowed, 'RBAC decides at once, and as it should');
      if (i >= warmUp) taken[isAllowed ? 'allowed' : 'refused'].push(endMs - start);
    }
    const micros = (times: readonly number[], share: number): number => quantile(times, share) * 1000;
    return [
      { name: 'a request that RBAC allows, p50', value: micros(taken.allowed, 0.5), unit: 'µs', goal: '≤ 5' },
      { name: 'a request that RBAC allows, p99', value: micros(taken.allowed, 0.99), unit: 'µs' },
      { name: 'a request that RBAC refuses, p50', value: micros(taken.refused, 0.5), unit: 'µs', goal: '≤ 5' },
    ];
  } finally {
    await server.close();
    await store.close();
  }
}

const asked = {
  isResourceRequest: true,
  verb: 'get',
  path: '',
  apiGroup: 'example.test',
  version: 'v1',
  subresource: '',
  namespace: 'default',
  name: 'one',
} as const;

/** Every user has a role of their own, by a group, and one that all have. */
async function fill(server: Awaited<ReturnType<typeof createApiServer>>): Promise<void> {
  const client = createClient(server.transport(admin));
  const { signal } = new AbortController();
  const { clusterrolebindings, clusterroles } = rbacv1Resources;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const apiGroup = 'rbac.authorization.k8s.io';
  for (let i = 0; i < moreRoles; i++) {
    const rules = [{ apiGroups: ['example.test'], resources: [`kind-${i}`], verbs: ['get', 'list', 'watch'] }];
    const name = `role-${i}`;
    const subject = { kind: 'Group', apiGroup, name: i % 10 === 0 ? 'everyone' : `group-${i}` };
    await client.create(clusterroles, { apiVersion, kind: 'ClusterRole', metadata: { name }, rules }, { signal });
    const roleRef = { apiGroup, kind: 'ClusterRole', name };
    const binding = { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects: [subject] } as const;
    await client.create(clusterrolebindings, binding, { signal });
  }
}
