/** Lease: who holds a role, and since when. @source pkg/apis/coordination/validation/validation.go, v1.35 */
import type { FieldError } from '../errors.ts';
import { invalidValue } from '../field-errors.ts';
import type { Lease } from '../gen/coordination-v1.ts';
import { coordinationv1Resources } from '../gen/resources.ts';
import type { Draft } from '../object.ts';
import type { ResourceDefinition, StrategyContext } from '../resource-definition.ts';
import { defineResource } from './define-resource.ts';
import { ageColumn, column, nameColumn } from './standard-columns.ts';

export const leaseResource: ResourceDefinition = defineResource<Lease>({
  ref: coordinationv1Resources.leases,
  columns: [nameColumn, column('Holder', 'string', 'Who holds the lease.', ({ spec }) => spec.holderIdentity ?? ''), ageColumn],
  strategy: {
    applyDefaults: (lease) => {
      lease.spec ??= {};
    },
    prepareForCreate: (lease, ctx) => dropDisabledFields(lease, undefined, ctx),
    prepareForUpdate: (lease, old, ctx) => dropDisabledFields(lease, old, ctx),
    validate: validateLease,
    validateUpdate: validateLease,
    allowCreateOnUpdate: true,
    allowUnconditionalUpdate: false,
  },
});

/** Coordinated leader election is off by default: its fields are not stored. */
function dropDisabledFields(lease: Draft<Lease>, old: Lease | undefined, ctx: StrategyContext): void {
  if (ctx.featureEnabled('CoordinatedLeaderElection') || old?.spec.strategy !== undefined) return;
  delete lease.spec.strategy;
  delete lease.spec.preferredHolder;
}

function validateLease({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
    errors.push(invalidValue('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0'));
  }
  if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0) {
    errors.push(invalidValue('spec.leaseTransitions', spec.leaseTransitions, 'must be greater than or equal to 0'));
  }
  return errors;
}
