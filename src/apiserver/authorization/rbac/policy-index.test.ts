import { describe, expect, test } from 'vitest';
import type { KubeObject, rbacv1 } from '../../../api/index.ts';
import type { UserInfo } from '../../request.ts';
import type { CacheObserver, Registry } from '../../storage.ts';
import { type Access, pathAccess, resourceAccess } from '../authorizer.ts';
import { policyRule } from '../bootstrap/policy-text.ts';
import { PolicyIndex } from './policy-index.ts';

/** Tells the index of changes as the cache would. */
class Policy {
  readonly #observers = new Map<string, CacheObserver<never>>();
  readonly #objects = new Map<string, KubeObject>();
  readonly index: PolicyIndex;

  constructor() {
    const observe = ((resource: { readonly kind: string }, observer: CacheObserver<never>): Disposable => {
      this.#observers.set(resource.kind, observer);
      return { [Symbol.dispose]: () => {} };
    }) as Registry['observe'];
    this.index = new PolicyIndex({ observe });
  }

  put(kind: string, name: string, fields: object, namespace?: string): void {
    const metadata = { name, ...(namespace !== undefined && { namespace }) };
    this.#tell(kind, `${kind}/${namespace}/${name}`, { kind, metadata, ...fields } as unknown as KubeObject);
  }

  remove(kind: string, name: string, namespace?: string): void {
    this.#tell(kind, `${kind}/${namespace}/${name}`, undefined);
  }

  #tell(kind: string, key: string, current: KubeObject | undefined): void {
    this.#observers.get(kind)!({ old: this.#objects.get(key), current } as never);
    if (current) this.#objects.set(key, current);
    else this.#objects.delete(key);
  }

  clusterRole(name: string, ...rules: string[]): void {
    this.put('ClusterRole', name, { rules: rules.map(policyRule) });
  }

  bindEverywhere(role: string, ...subjects: Partial<rbacv1.Subject>[]): void {
    this.put('ClusterRoleBinding', role, { roleRef: { kind: 'ClusterRole', name: role }, subjects });
  }

  bindIn(namespace: string, roleRef: object, ...subjects: Partial<rbacv1.Subject>[]): void {
    this.put('RoleBinding', 'b', { roleRef, subjects }, namespace);
  }
}

const jane: UserInfo = { name: 'jane', groups: ['developers'] };
const toJane = { kind: 'User', name: 'jane' };
const get = (resource: string, more: Partial<Access> = {}): Access =>
  resourceAccess({ verb: 'get', resource, namespace: 'x', name: 'n', ...more });

describe('a rule allows', () => {
  test.each<[string, Access, boolean]>([
    ['get core: pods', get('pods'), true],
    ['get core: pods', get('pods', { verb: 'list' }), false],
    ['get core: pods', get('pods', { apiGroup: 'apps' }), false],
    ['get core: pods', get('pods', { subresource: 'log' }), false],
    ['get core: pods/log', get('pods', { subresource: 'log' }), true],
    ['get core: pods/log', get('pods'), false],
    ['get core: */log', get('pods', { subresource: 'log' }), true],
    ['get core: */log', get('pods', { subresource: 'exec' }), false],
    ['get core: pods/*', get('pods', { subresource: 'log' }), false],
    ['get core: *', get('pods', { subresource: 'log' }), true],
    ['* *: *', get('pods', { apiGroup: 'any', verb: 'escalate' }), true],
    ['get core: pods = n', get('pods'), true],
    ['get core: pods = m', get('pods'), false],
    ['get core: pods = n', get('pods', { name: '' }), false],
    ['get /healthz', pathAccess('get', '/healthz'), true],
    ['get /healthz', pathAccess('post', '/healthz'), false],
    ['get /healthz', pathAccess('get', '/healthz/etcd'), false],
    ['get /healthz/*', pathAccess('get', '/healthz/etcd'), true],
    ['get *', pathAccess('get', '/any'), true],
    ['* *: *', pathAccess('get', '/any'), false],
  ])('%s: %j', (rule, access, allowed) => {
    const policy = new Policy();
    policy.clusterRole('r', rule);
    policy.bindEverywhere('r', toJane);
    expect(policy.index.find(jane, access) !== undefined).toBe(allowed);
  });
});

test('a binding gives its role to users, groups and accounts, where it stands', () => {
  const policy = new Policy();
  policy.clusterRole('r', 'get core: pods');
  policy.bindIn(
    'x',
    { kind: 'ClusterRole', name: 'r' },
    { kind: 'Group', name: 'developers' },
    { kind: 'ServiceAccount', name: 's', namespace: 'y' },
  );
  expect(policy.index.find(jane, get('pods'))?.reason).toBe('RBAC: allowed by RoleBinding "b/x" of ClusterRole "r" to Group "developers"');
  expect(policy.index.find({ name: 'system:serviceaccount:y:s', groups: [] }, get('pods'))?.reason).toBe(
    'RBAC: allowed by RoleBinding "b/x" of ClusterRole "r" to ServiceAccount "s/y"',
  );
  expect(policy.index.find(jane, get('pods', { namespace: 'y' }))).toBeUndefined();
  expect(policy.index.find(jane, get('pods', { namespace: '' }))).toBeUndefined();
});

test('what is changed or taken away counts at once', () => {
  const policy = new Policy();
  policy.bindEverywhere('r', toJane);
  expect(policy.index.errorsFor(jane, 'x')).toEqual(['clusterrole.rbac.authorization.k8s.io "r" not found']);
  policy.clusterRole('r', 'get core: pods');
  expect(policy.index.errorsFor(jane, 'x')).toEqual([]);
  expect(policy.index.find(jane, get('pods'))).toBeDefined();
  policy.clusterRole('r', 'get core: nodes');
  expect(policy.index.find(jane, get('pods'))).toBeUndefined();
  expect(policy.index.find(jane, get('nodes'))).toBeDefined();
  policy.bindEverywhere('r', { kind: 'User', name: 'bob' });
  expect(policy.index.find(jane, get('nodes'))).toBeUndefined();
  policy.bindEverywhere('r', toJane);
  policy.remove('ClusterRole', 'r');
  expect(policy.index.find(jane, get('nodes'))).toBeUndefined();
  policy.remove('ClusterRoleBinding', 'r');
  expect(policy.index.errorsFor(jane, 'x')).toEqual([]);
});
