/**
 * Nobody gives others, or themselves, more than they have: who writes a role holds all of its rules, who binds a role holds what it
 * gives, unless the verbs `escalate` or `bind` say otherwise. Runs as hooks of the four kinds, before validation.
 * @source pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased/storage.go, escalation_check.go, helpers.go, v1.35
 */
import { forbidden, goQuote, type KubeObject, notFound, type rbacv1, rbacv1Resources } from '../../../api/index.ts';
import { mastersGroup } from '../../auth/users.ts';
import type { ResourceHooks } from '../../extension.ts';
import type { UserInfo } from '../../request.ts';
import { type Access, type Authorizer, resourceAccess } from '../authorizer.ts';
import { compactRules, formatRule, goQuotedList, missingRules } from './covers.ts';
import type { PolicyIndex } from './policy-index.ts';
import { onlyOwnershipChanged } from './only-ownership-changed.ts';

const group = 'rbac.authorization.k8s.io';
const everything: readonly rbacv1.PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

/** Called with the object that is written, and the stored one when it is updated. @throws ApiError Forbidden */
type Check<T> = (written: T, old: T | undefined, user: UserInfo) => void | Promise<void>;

export function escalationHooks(index: PolicyIndex, authorize: Authorizer): Readonly<Record<string, ResourceHooks<never>>> {
  const guard = new EscalationGuard(index, authorize);
  const { clusterrolebindings, clusterroles, rolebindings, roles } = rbacv1Resources;
  return {
    [nameOf(roles)]: hooks<rbacv1.Role>((...write) => guard.checkRole(roles.plural, ...write)),
    [nameOf(clusterroles)]: hooks<rbacv1.ClusterRole>((...write) => guard.checkRole(clusterroles.plural, ...write)),
    [nameOf(rolebindings)]: hooks<rbacv1.RoleBinding>((...write) => guard.checkBinding(rolebindings.plural, ...write)),
    [nameOf(clusterrolebindings)]: hooks<rbacv1.ClusterRoleBinding>((...write) => guard.checkBinding(clusterrolebindings.plural, ...write)),
  };
}

function nameOf({ plural }: { readonly plural: string }): string {
  return `${plural}.${group}`;
}

function hooks<T extends KubeObject>(check: Check<T>): ResourceHooks<never> {
  const run = (written: unknown, old: T | undefined, user: UserInfo): undefined | Promise<undefined> => {
    // A draft has the fields of its kind.
    const checking = check(written as T, old, user);
    return checking instanceof Promise ? checking.then(() => undefined) : undefined;
  };
  const own: ResourceHooks<T> = {
    beginCreate: (draft, _options, { user }) => run(draft, undefined, user),
    beginUpdate: (draft, old, _options, { user }) => run(draft, old, user),
  };
  return own;
}

class EscalationGuard {
  readonly #index: PolicyIndex;
  readonly #authorize: Authorizer;

  constructor(index: PolicyIndex, authorize: Authorizer) {
    this.#index = index;
    this.#authorize = authorize;
  }

  checkRole(
    plural: string,
    role: rbacv1.Role | rbacv1.ClusterRole,
    old: rbacv1.Role | rbacv1.ClusterRole | undefined,
    user: UserInfo,
  ): void | Promise<void> {
    if (user.groups.includes(mastersGroup) || onlyOwnershipChanged(role, old)) return;
    const { namespace = '' } = role.metadata;
    const name = old?.metadata.name ?? '';
    const escalate = resourceAccess({ verb: 'escalate', apiGroup: group, resource: plural, namespace, name });
    return this.#unlessAllowed(user, escalate, () => {
      const subject = { group, resource: plural, name: role.metadata.name };
      const gathers = [role, old].some((one) => one !== undefined && 'aggregationRule' in one && one.aggregationRule !== undefined);
      if (gathers && this.#missing(user, namespace, everything) !== undefined) {
        throw forbidden(subject, 'must have cluster-admin privileges to use an aggregationRule');
      }
      const missing = this.#missing(user, namespace, role.rules ?? []);
      if (missing !== undefined) throw forbidden(subject, missing);
    });
  }

  checkBinding(
    plural: string,
    binding: rbacv1.RoleBinding | rbacv1.ClusterRoleBinding,
    old: rbacv1.RoleBinding | rbacv1.ClusterRoleBinding | undefined,
    user: UserInfo,
  ): void | Promise<void> {
    if (user.groups.includes(mastersGroup) || onlyOwnershipChanged(binding, old)) return;
    // Validation, which comes later, wants one.
    const { kind, name, apiGroup } = binding.roleRef ?? { kind: '', name: '', apiGroup: '' };
    const { namespace = '' } = binding.metadata;
    const bound = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    const bind = resourceAccess({ verb: 'bind', apiGroup, resource: bound, namespace, name });
    return this.#unlessAllowed(user, bind, () => {
      // Validation says what is wrong with a reference that is no role's.
      if ((kind !== 'ClusterRole' && kind !== 'Role') || name === '') return;
      const rules = this.#index.rulesOfRole({ kind, name }, namespace);
      if (!rules) throw notFound({ group, resource: bound, name });
      const missing = this.#missing(user, namespace, rules);
      if (missing !== undefined) throw forbidden({ group, resource: plural, name: binding.metadata.name }, missing);
    });
  }

  #unlessAllowed(user: UserInfo, access: Access, check: () => void): void | Promise<void> {
    const verdict = this.#authorize(user, access);
    if (!(verdict instanceof Promise)) return verdict.decision === 'allow' ? undefined : check();
    return verdict.then(({ decision }) => (decision === 'allow' ? undefined : check()));
  }

  /** What the user lacks of the rules, in words; undefined when nothing. */
  #missing(user: UserInfo, namespace: string, rules: readonly rbacv1.PolicyRule[]): string | undefined {
    const held = this.#index.rulesFor(user, namespace);
    const missing = missingRules(held.rules, rules);
    if (missing.length === 0) return undefined;
    const shown = [...new Set(compactRules(missing).map(formatRule))].toSorted();
    const unresolved = held.errors.length > 0 ? `; resolution errors: [${held.errors.join(' ')}]` : '';
    return `user ${goQuote(user.name)} (groups=${goQuotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${shown.join('\n')}${unresolved}`;
  }
}
