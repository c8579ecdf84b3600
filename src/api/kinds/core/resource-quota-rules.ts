/**
 * Which resources and scopes a quota can name, and which of them go together.
 * @source pkg/apis/core/validation/validation.go ValidateResourceQuotaSpec, pkg/apis/core/helper/helpers.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue, required } from '../../field-errors.ts';
import type { ResourceQuotaSpec } from '../../gen/core-v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { goList } from '../go-struct.ts';
import { resourceAmountErrors } from './pod/validate-resources.ts';

type Hard = Readonly<Record<string, string>>;

const computeNames = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];
const storageNames = ['ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage', 'requests.storage'];
const countedNames = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
];
const quotaNames: ReadonlySet<string> = new Set([...computeNames, ...storageNames, ...countedNames]);

const podNames: ReadonlySet<string> = new Set(['pods', ...computeNames]);
/** Scope → the standard resources that it can limit. */
const resourcesOfScope: Readonly<Record<string, ReadonlySet<string>>> = {
  Terminating: podNames,
  NotTerminating: podNames,
  BestEffort: new Set(['pods']),
  NotBestEffort: podNames,
  PriorityClass: podNames,
  CrossNamespacePodAffinity: podNames,
  VolumeAttributesClass: new Set(['persistentvolumeclaims', 'requests.storage']),
};
/** Scopes of which an object either is or is not. */
const existsOnly: ReadonlySet<string> = new Set([
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'CrossNamespacePodAffinity',
]);
const contradictions = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

export function validateQuotaSpec(spec: ResourceQuotaSpec): FieldError[] {
  return [...quotaAmountErrors(spec.hard, 'spec.hard'), ...scopeErrors(spec), ...selectorErrors(spec)];
}

/** Names and amounts of `hard` or `used`. */
export function quotaAmountErrors(list: Hard | undefined, path: string): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, amount]) => {
    const at = `${path}[${name}]`;
    return [...quotaNameErrors(name, at), ...resourceAmountErrors(name, amount, at)];
  });
}

function quotaNameErrors(name: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  addInvalid(errors, path, name, qualifiedNameErrors(name));
  if (name.includes('/') || isQuotaName(name)) return errors;
  // The one resource that is standard and no quota can name.
  if (errors.length === 0 && name !== 'storage') {
    errors.push(invalidValue(path, name, 'must be a standard resource type or fully qualified'));
  }
  return [...errors, invalidValue(path, name, 'must be a standard resource for quota')];
}

function isQuotaName(name: string): boolean {
  return quotaNames.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-');
}

/** How often a standard resource of the quota is outside the scope. */
function misfits(scope: string, hard: Hard | undefined): number {
  const allowed = Object.hasOwn(resourcesOfScope, scope) ? resourcesOfScope[scope] : undefined;
  return allowed ? Object.keys(hard ?? {}).filter((name) => isQuotaName(name) && !allowed.has(name)).length : 0;
}

function isContradiction(scopes: readonly string[]): (pair: readonly string[]) => boolean {
  return (pair) => pair.every((scope) => scopes.includes(scope));
}

function scopeErrors({ scopes = [], hard }: ResourceQuotaSpec): FieldError[] {
  const path = 'spec.scopes';
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!Object.hasOwn(resourcesOfScope, scope)) errors.push(invalidValue(path, scopes, 'unsupported scope'));
    for (let i = misfits(scope, hard); i > 0; i--) errors.push(invalidValue(path, scopes, 'unsupported scope applied to resource'));
  }
  for (let i = contradictions.filter(isContradiction(scopes)).length; i > 0; i--) {
    errors.push(invalidValue(path, scopes, 'conflicting scopes'));
  }
  return errors;
}

function selectorErrors({ scopeSelector, scopes, hard }: ResourceQuotaSpec): FieldError[] {
  if (!scopeSelector) return [];
  const path = 'spec.scopeSelector.matchExpressions';
  const expressions = scopeSelector.matchExpressions ?? [];
  const errors: FieldError[] = [];
  // Upstream prints its internal type, which has no names for JSON.
  const printed = {
    MatchExpressions: expressions.map(({ scopeName, operator, values }) => ({
      ScopeName: scopeName,
      Operator: operator,
      Values: values ?? null,
    })),
  };
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!Object.hasOwn(resourcesOfScope, scopeName ?? '')) {
      errors.push(invalidValue(`${path}.scopeName`, scopeName ?? '', 'unsupported scope'));
    }
    for (let i = misfits(scopeName, hard); i > 0; i--) errors.push(invalidValue(path, printed, 'unsupported scope applied to resource'));
    if (existsOnly.has(scopeName) && operator !== 'Exists') {
      const detail =
        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, " +
        'ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity';
      errors.push(invalidValue(`${path}.operator`, operator ?? '', detail));
    }
    errors.push(...operatorErrors(operator ?? '', values, path));
  }
  const names = expressions.map(({ scopeName }) => scopeName);
  for (let i = contradictions.filter(isContradiction(names)).length; i > 0; i--) {
    errors.push(invalidValue(path, goList(scopes), 'conflicting scopes'));
  }
  return errors;
}

function operatorErrors(operator: string, values: readonly string[], path: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn': {
      const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      return values.length === 0 ? [required(`${path}.values`, detail)] : [];
    }
    case 'Exists':
    case 'DoesNotExist': {
      const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      return values.length > 0 ? [invalidValue(`${path}.values`, values, detail)] : [];
    }
    default:
      return [invalidValue(`${path}.operator`, operator, 'not a valid selector operator')];
  }
}
