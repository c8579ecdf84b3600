/**
 * ResourceQuota: how much of each resource the objects of a namespace may take together. Admission counts against `status`; the
 * resource quota controller puts the counts right.
 * @source pkg/registry/core/resourcequota/strategy.go, pkg/apis/core/validation/validation.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { invalidValue } from '../../field-errors.ts';
import type { ResourceQuota, ResourceQuotaSpec, ResourceQuotaStatus } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import type { Draft } from '../../object.ts';
import { tryParseQuantity } from '../../quantity.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { goList } from '../go-struct.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { canonicalizeResources } from './resource-list.ts';
import { quotaAmountErrors, validateQuotaSpec } from './resource-quota-rules.ts';

export const resourceQuotaResource: ResourceDefinition = defineResource<ResourceQuota>({
  ref: corev1Resources.resourcequotas,
  shortNames: ['quota'],
  subresources: [
    statusSubresource<ResourceQuota>({
      prepareForUpdate: (quota, old) => {
        quota.spec = old.spec as Draft<ResourceQuotaSpec>;
      },
      validateUpdate: ({ status }) => statusErrors(status),
    }),
  ],
  columns: [
    nameColumn,
    column('Request', 'string', 'What is used and allowed of requests and counts.', (quota) => usage(quota, false)),
    column('Limit', 'string', 'What is used and allowed of limits.', (quota) => usage(quota, true)),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (quota) => {
      quota.spec ??= {};
      quota.status ??= {};
      for (const list of [quota.spec.hard, quota.status.hard, quota.status.used]) canonicalizeResources(list);
    },
    prepareForCreate: (quota) => {
      quota.status = {};
    },
    prepareForUpdate: (quota, old) => {
      quota.status = old.status;
    },
    validate: ({ spec, status }) => [...validateQuotaSpec(spec), ...statusErrors(status)],
    validateUpdate: ({ spec }, old) => [...validateQuotaSpec(spec), ...changedScopes(spec, old.spec)],
    warnings: ({ spec }, old) => (old ? [] : requestsAboveLimits(spec)),
  },
});

function statusErrors(status: ResourceQuotaStatus): FieldError[] {
  return [...quotaAmountErrors(status.hard, 'status.hard'), ...quotaAmountErrors(status.used, 'status.used')];
}

/** What was counted so far was counted for the old scopes. */
function changedScopes({ scopes }: ResourceQuotaSpec, old: ResourceQuotaSpec): FieldError[] {
  const [now, before] = [new Set<string>(scopes ?? []), new Set<string>(old.scopes ?? [])];
  const same = now.size === before.size && [...now].every((scope) => before.has(scope));
  return same ? [] : [invalidValue('spec.scopes', goList(scopes), 'field is immutable')];
}

/** A quota that lets more be asked for than be used as a limit. */
function requestsAboveLimits({ hard = {} }: ResourceQuotaSpec): string[] {
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((name) => {
    const isBare = hard[`requests.${name}`] === undefined && (name === 'cpu' || name === 'memory');
    const [request, limit] = [isBare ? name : `requests.${name}`, `limits.${name}`];
    const [asked, most] = [tryParseQuantity(hard[request] ?? ''), tryParseQuantity(hard[limit] ?? '')];
    if (!asked || !most || asked.compare(most) <= 0) return [];
    return [`ResourceQuota ${request} (${asked.toString()}) should be less than ${limit} (${most.toString()})`];
  });
}

/** Such as `pods: 1/10, requests.cpu: 100m/2`. */
function usage({ status }: ResourceQuota, limits: boolean): string {
  return Object.keys(status.hard ?? {})
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${status.used?.[name] ?? '0'}/${status.hard![name]}`)
    .join(', ');
}
