/**
 * What quotas need to know of a resource: which names in a quota speak of it, which objects a scope means, and how much one object
 * takes. Most resources are only counted.
 * @source apiserver pkg/quota/v1/interfaces.go, generic/evaluator.go, v1.35
 */
import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../gen/core-v1.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceAmounts } from '../pod-resources.ts';
import { quantityOf } from '../quantity.ts';

/** A write, as far as it matters whether more is used after it. */
export interface QuotaWrite {
  readonly operation: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly object: unknown;
  /** Undefined for CREATE. */
  readonly oldObject: unknown;
}

export type ScopeRequirement = ScopedResourceSelectorRequirement;

export interface QuotaEvaluator<T = KubeObject> {
  readonly group: string;
  readonly plural: string;
  /** Whether the write may take more than was taken before. */
  handles(write: QuotaWrite): boolean;
  /** Whether a name in `hard` speaks of this resource. */
  matchesResource(name: string): boolean;
  /** Undefined: no scope means any object of this resource. */
  readonly matchesScope?: (scope: ScopeRequirement, object: T) => boolean;
  /** What the object must say because a quota limits it, such as `must specify cpu for: c`; undefined when nothing is missing. */
  readonly missing?: (limited: readonly string[], object: T) => string | undefined;
  usage(object: T, nowMs: number): ResourceAmounts;
  /** Whether an update may have given something back; deletions always have. */
  readonly frees?: (old: T, current: T, nowMs: number) => boolean;
}

/** The name under which any resource can be counted, such as `count/deployments.apps`. */
export function objectCountName(group: string, plural: string): string {
  return group === '' ? `count/${plural}` : `count/${plural}.${group}`;
}

const one = quantityOf(1);

/** @param alias an older name, such as `configmaps` */
export function objectCountEvaluator(group: string, plural: string, alias?: string): QuotaEvaluator {
  const names = [objectCountName(group, plural), ...(alias === undefined ? [] : [alias])];
  const used: ResourceAmounts = new Map(names.map((name) => [name, one]));
  return {
    group,
    plural,
    handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    matchesResource: (name) => used.has(name),
    usage: () => used,
  };
}

/** All scopes that a quota asks for, in both ways of writing them. */
export function scopesOf({ scopes = [], scopeSelector }: ResourceQuotaSpec): ScopeRequirement[] {
  return [...scopes.map((scopeName) => ({ scopeName, operator: 'Exists' as const })), ...(scopeSelector?.matchExpressions ?? [])];
}

/** Whether a quota is about the object: every scope means it. */
export function isInScopes<T>(evaluator: QuotaEvaluator<T>, scopes: readonly ScopeRequirement[], object: T): boolean {
  return scopes.every((scope) => evaluator.matchesScope?.(scope, object) ?? false);
}

/** Whether a class name fits a scope; undefined is an object without a class. */
export function isInClasses({ operator, values = [] }: ScopeRequirement, name: string | undefined): boolean {
  switch (operator) {
    case 'Exists':
      return name !== undefined;
    case 'DoesNotExist':
      return name === undefined;
    case 'In':
      return name !== undefined && values.includes(name);
    case 'NotIn':
      return name === undefined || !values.includes(name);
    default:
      return false;
  }
}
