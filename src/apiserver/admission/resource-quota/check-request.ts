/**
 * Whether one write fits into the quotas of its namespace, and what is used after it. Pure: it reads no cache and writes nothing.
 * @source apiserver pkg/admission/plugin/resourcequota/controller.go CheckRequest, v1.35
 */
import type { corev1, KubeObject, ResourceAmounts } from '../../../api/index.ts';
import {
  addAmounts,
  exceededNames,
  formatAmounts,
  growth,
  isInScopes,
  pickAmounts,
  type QuotaEvaluator,
  readAmounts,
  type ScopeRequirement,
  scopesOf,
  withoutZeros,
} from '../../../api/quota/index.ts';
import type { LimitedResource } from './configuration.ts';

/** A quota on its way through several writes: `used` grows, the object stays what it was. */
export interface RunningQuota {
  readonly object: corev1.ResourceQuota;
  readonly hard: ResourceAmounts;
  readonly used: ResourceAmounts;
}

export interface ChargedWrite {
  readonly operation: string;
  readonly object: KubeObject;
  readonly oldObject: KubeObject | undefined;
}

export type Verdict =
  /** The quotas after the write, in the order given. */
  | { readonly type: 'fits'; readonly quotas: readonly RunningQuota[] }
  /** Forbidden, and why. */
  | { readonly type: 'refused'; readonly why: string };

export interface CheckOptions {
  readonly evaluator: QuotaEvaluator;
  /** Resources that may be used only where a quota says so. */
  readonly limited: readonly LimitedResource[];
  readonly nowMs: number;
}

export function runningQuota(object: corev1.ResourceQuota): RunningQuota {
  return { object, hard: readAmounts(object.status.hard), used: readAmounts(object.status.used) };
}

export function checkRequest(quotas: readonly RunningQuota[], write: ChargedWrite, options: CheckOptions): Verdict {
  const { evaluator, limited, nowMs } = options;
  const { object } = write;
  const fits: Verdict = { type: 'fits', quotas };
  const about: RunningQuota[] = [];
  const coveredNames = new Set<string>();
  const coveredScopes: ScopeRequirement[] = [];
  for (const quota of quotas) {
    const scopes = scopesOf(quota.object.spec);
    coveredScopes.push(...scopes.filter((scope) => evaluator.matchesScope?.(scope, object)));
    const names = [...quota.hard.keys()].filter((name) => evaluator.matchesResource(name));
    if (names.length === 0 || !isInScopes(evaluator, scopes, object)) continue;
    const { name } = quota.object.metadata;
    const missing = evaluator.missing?.(names, object);
    if (missing !== undefined) return refused(`failed quota: ${name}: ${missing}`);
    if (names.some((one) => !quota.used.has(one))) {
      return refused(`status unknown for quota: ${name}, resources: ${names.sort().join(',')}`);
    }
    about.push(quota);
    for (const one of names) coveredNames.add(one);
  }
  const usage = evaluator.usage(object, nowMs);
  const negative = [...usage].filter(([, amount]) => amount.sign < 0).map(([name]) => name);
  if (negative.length > 0) return refused(`quota usage is negative for resource(s): ${negative.sort().join(',')}`);

  const charges = chargesOf(about, usage, write, options);
  const isCharged = about.length > 0 ? charges.size > 0 : withoutZeros(grown(usage, write, options)).size > 0;
  if (!isCharged) return fits;
  const uncovered = uncoveredBy(limited, { usage, object, evaluator, coveredNames, coveredScopes });
  if (uncovered !== undefined) return refused(uncovered);

  const after: RunningQuota[] = [];
  for (const quota of quotas) {
    const charge = charges.get(quota);
    const requested = charge && pickAmounts(charge, quota.hard);
    if (!requested) {
      after.push(quota);
      continue;
    }
    const used = addAmounts(quota.used, requested);
    const exceeded = exceededNames(pickAmounts(used, requested), quota.hard);
    if (exceeded.size > 0) {
      const text = (amounts: ResourceAmounts): string => formatAmounts(pickAmounts(amounts, exceeded));
      const amounts = `requested: ${text(requested)}, used: ${text(quota.used)}, limited: ${text(quota.hard)}`;
      return refused(`exceeded quota: ${quota.object.metadata.name}, ${amounts}`);
    }
    after.push({ ...quota, used });
  }
  return { type: 'fits', quotas: after };
}

function refused(why: string): Verdict {
  return { type: 'refused', why };
}

/** What the write takes of each quota that it concerns, zeros left out: all of it where the old object was not counted. */
function chargesOf(
  about: readonly RunningQuota[],
  usage: ResourceAmounts,
  write: ChargedWrite,
  options: CheckOptions,
): Map<RunningQuota, ResourceAmounts> {
  const { oldObject } = write;
  const charges = new Map<RunningQuota, ResourceAmounts>();
  for (const quota of about) {
    const wasCounted = oldObject !== undefined && isInScopes(options.evaluator, scopesOf(quota.object.spec), oldObject);
    const charge = withoutZeros(wasCounted ? grown(usage, write, options) : usage);
    if (charge.size > 0) charges.set(quota, charge);
  }
  return charges;
}

function grown(usage: ResourceAmounts, { oldObject }: ChargedWrite, { evaluator, nowMs }: CheckOptions): ResourceAmounts {
  return oldObject ? growth(usage, evaluator.usage(oldObject, nowMs)) : usage;
}

interface Coverage {
  readonly usage: ResourceAmounts;
  readonly object: KubeObject;
  readonly evaluator: QuotaEvaluator;
  readonly coveredNames: ReadonlySet<string>;
  readonly coveredScopes: readonly ScopeRequirement[];
}

/** Why the write takes what only a quota could give it; undefined when every limited resource is covered by one. */
function uncoveredBy(limited: readonly LimitedResource[], coverage: Coverage): string | undefined {
  const { usage, object, evaluator, coveredNames, coveredScopes } = coverage;
  const names = new Set<string>();
  for (const { apiGroup, resource, matchContains } of limited) {
    if (apiGroup !== evaluator.group || resource !== evaluator.plural) continue;
    for (const [name, amount] of usage) {
      if (amount.sign > 0 && matchContains.some((part) => name.includes(part)) && !coveredNames.has(name)) names.add(name);
    }
  }
  if (names.size > 0) return `insufficient quota to consume: ${[...names].sort().join(',')}`;
  const scopes = limited
    .flatMap(({ matchScopes }) => matchScopes)
    .filter((scope) => evaluator.matchesScope?.(scope, object) && !coveredScopes.some(({ scopeName }) => scopeName === scope.scopeName));
  // As Go prints a list of structures.
  const printed = scopes.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`);
  return scopes.length > 0 ? `insufficient quota to match these scopes: [${printed.join(' ')}]` : undefined;
}
