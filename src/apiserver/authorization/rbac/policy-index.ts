/**
 * Who has which rules where, kept current from the server's own cache: every role and binding that is committed changes the index
 * before anybody hears of it, in revision order and without an await.
 * Invariant: nothing of a binding or role that is gone allows anything.
 * @source pkg/registry/rbac/validation/rule.go, plugin/pkg/auth/authorizer/rbac/rbac.go, v1.35
 */
import { type KubeObject, rbacv1Resources, type rbacv1, type ResourceRef } from '../../../api/index.ts';
import type { UserInfo } from '../../request.ts';
import type { Registry } from '../../storage.ts';
import type { Access, Verdict } from '../authorizer.ts';
import { CompiledRules } from './compiled-rules.ts';
import { type Grant, grantsOf, roleKey, roleNotFound, type Scope, type Subject } from './grants.ts';

/** What a subject has in one scope. */
interface Holding {
  readonly grants: Set<Grant>;
  compiled: CompiledRules | undefined;
}

interface ScopeHoldings {
  readonly users: Map<string, Holding>;
  readonly groups: Map<string, Holding>;
}

export interface GrantedRules {
  readonly rules: readonly rbacv1.PolicyRule[];
  /** Roles that bindings point to and that do not exist. */
  readonly errors: readonly string[];
}

type Binding = rbacv1.RoleBinding | rbacv1.ClusterRoleBinding;
type Role = rbacv1.Role | rbacv1.ClusterRole;

export class PolicyIndex implements Disposable {
  readonly #roles = new Map<string, readonly rbacv1.PolicyRule[]>();
  readonly #grantsOfRole = new Map<string, Set<Grant>>();
  /** Roles that have grants and do not exist. */
  readonly #missingRoles = new Set<string>();
  readonly #grantsOfBinding = new Map<string, readonly Grant[]>();
  readonly #scopes = new Map<Scope, ScopeHoldings>();
  readonly #observing: readonly Disposable[];

  constructor(registry: Pick<Registry, 'observe'>) {
    const { clusterrolebindings, clusterroles, rolebindings, roles } = rbacv1Resources;
    const observe = <T extends KubeObject>(
      resource: ResourceRef<T>,
      changed: (old: T | undefined, current: T | undefined) => void,
    ): Disposable => registry.observe(resource, ({ old, current }) => changed(old, current));
    this.#observing = [
      observe(clusterroles, (old, current) => this.#roleChanged(old, current)),
      observe(roles, (old, current) => this.#roleChanged(old, current)),
      observe(clusterrolebindings, (old, current) => this.#bindingChanged(old, current)),
      observe(rolebindings, (old, current) => this.#bindingChanged(old, current)),
    ];
  }

  [Symbol.dispose](): void {
    for (const observing of this.#observing) observing[Symbol.dispose]();
  }

  /** The verdict of the rule that allows it, undefined when none does. */
  find(user: UserInfo, access: Access): Verdict | undefined {
    const combined = access.subresource === '' ? access.resource : `${access.resource}/${access.subresource}`;
    return (
      this.#findIn('', user, access, combined) ??
      (access.namespace === '' ? undefined : this.#findIn(access.namespace, user, access, combined))
    );
  }

  /** Roles that the user's bindings point to and that do not exist. */
  errorsFor(user: UserInfo, namespace: string): readonly string[] {
    // A cluster in order has none, and most refusals are told so without looking further.
    return this.#missingRoles.size === 0 ? [] : this.rulesFor(user, namespace).errors;
  }

  /** Every rule that the user has in a namespace and everywhere; with an empty namespace those that hold everywhere. */
  rulesFor(user: UserInfo, namespace: string): GrantedRules {
    const rules: rbacv1.PolicyRule[] = [];
    const errors = new Set<string>();
    for (const grant of this.#grantsFor(user, namespace)) {
      const known = this.#roles.get(grant.role);
      if (known) rules.push(...known);
      else errors.add(roleNotFound(grant.role));
    }
    return { rules, errors: [...errors] };
  }

  /** The rules of a role, undefined when it does not exist. */
  rulesOfRole({ kind, name }: Pick<rbacv1.RoleRef, 'kind' | 'name'>, namespace: string): readonly rbacv1.PolicyRule[] | undefined {
    return this.#roles.get(roleKey(kind, namespace, name));
  }

  #findIn(scope: Scope, user: UserInfo, access: Access, combined: string): Verdict | undefined {
    const holdings = this.#scopes.get(scope);
    if (!holdings) return undefined;
    const own = holdings.users.get(user.name);
    const found = own && this.#compiled(own).find(access, combined);
    if (found) return found;
    for (const group of user.groups) {
      const shared = holdings.groups.get(group);
      const verdict = shared && this.#compiled(shared).find(access, combined);
      if (verdict) return verdict;
    }
    return undefined;
  }

  /** A binding counts once, however many of its subjects the user is. */
  #grantsFor({ name, groups }: UserInfo, namespace: string): Iterable<Grant> {
    const byBinding = new Map<string, Grant>();
    for (const scope of namespace === '' ? [''] : ['', namespace]) {
      const holdings = this.#scopes.get(scope);
      if (!holdings) continue;
      const held = [holdings.users.get(name), ...groups.map((group) => holdings.groups.get(group))];
      for (const holding of held)
        for (const grant of holding?.grants ?? []) if (!byBinding.has(grant.binding)) byBinding.set(grant.binding, grant);
    }
    return byBinding.values();
  }

  #compiled(holding: Holding): CompiledRules {
    if (holding.compiled) return holding.compiled;
    const compiled = new CompiledRules();
    for (const { role, description } of holding.grants) {
      const verdict: Verdict = { decision: 'allow', reason: `RBAC: allowed by ${description}` };
      for (const rule of this.#roles.get(role) ?? []) compiled.add(rule, verdict);
    }
    holding.compiled = compiled;
    return compiled;
  }

  #roleChanged(old: Role | undefined, current: Role | undefined): void {
    const { kind, metadata } = (current ?? old)!;
    const key = roleKey(kind, metadata.namespace ?? '', metadata.name);
    if (current) this.#roles.set(key, current.rules ?? []);
    else this.#roles.delete(key);
    this.#noteMissing(key);
    for (const { scope, subject } of this.#grantsOfRole.get(key) ?? []) {
      const holding = this.#holdings(scope, subject).get(subject.name);
      if (holding) holding.compiled = undefined;
    }
  }

  #bindingChanged(old: Binding | undefined, current: Binding | undefined): void {
    const { metadata } = (current ?? old)!;
    const key = `${metadata.namespace ?? ''}/${metadata.name}`;
    for (const grant of this.#grantsOfBinding.get(key) ?? []) this.#take(grant);
    if (!current) {
      this.#grantsOfBinding.delete(key);
      return;
    }
    const grants = grantsOf(current);
    this.#grantsOfBinding.set(key, grants);
    for (const grant of grants) this.#give(grant);
  }

  #give(grant: Grant): void {
    const holdings = this.#holdings(grant.scope, grant.subject);
    const holding = holdings.get(grant.subject.name);
    if (holding) {
      holding.grants.add(grant);
      holding.compiled = undefined;
    } else {
      holdings.set(grant.subject.name, { grants: new Set([grant]), compiled: undefined });
    }
    const ofRole = this.#grantsOfRole.get(grant.role);
    if (ofRole) ofRole.add(grant);
    else this.#grantsOfRole.set(grant.role, new Set([grant]));
    this.#noteMissing(grant.role);
  }

  #take(grant: Grant): void {
    const holdings = this.#holdings(grant.scope, grant.subject);
    const holding = holdings.get(grant.subject.name);
    holding?.grants.delete(grant);
    if (holding) holding.compiled = undefined;
    if (holding?.grants.size === 0) holdings.delete(grant.subject.name);
    const ofRole = this.#grantsOfRole.get(grant.role);
    ofRole?.delete(grant);
    if (ofRole?.size === 0) this.#grantsOfRole.delete(grant.role);
    this.#noteMissing(grant.role);
    const { users, groups } = this.#scopes.get(grant.scope)!;
    if (users.size + groups.size === 0) this.#scopes.delete(grant.scope);
  }

  #noteMissing(role: string): void {
    if (this.#grantsOfRole.has(role) && !this.#roles.has(role)) this.#missingRoles.add(role);
    else this.#missingRoles.delete(role);
  }

  #holdings(scope: Scope, { kind }: Subject): Map<string, Holding> {
    let holdings = this.#scopes.get(scope);
    if (!holdings) {
      holdings = { users: new Map(), groups: new Map() };
      this.#scopes.set(scope, holdings);
    }
    return kind === 'user' ? holdings.users : holdings.groups;
  }
}
