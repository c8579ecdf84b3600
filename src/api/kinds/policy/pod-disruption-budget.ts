/**
 * PodDisruptionBudget: how many of some pods may be down on purpose.
 * @source pkg/apis/policy/validation/validation.go, pkg/registry/policy/poddisruptionbudget/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addUnsupported, invalidValue } from '../../field-errors.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '../../gen/policy-v1.ts';
import { policyv1Resources } from '../../gen/resources.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { nonNegativeErrors } from '../apps/pod-template-rules.ts';
import { validateConditions } from '../condition-rules.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { goStruct } from '../go-struct.ts';
import { atMostAllErrors, intOrPercentErrors } from '../int-or-percent-rules.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

const unhealthyPolicies = ['AlwaysAllow', 'IfHealthyBudget'];
/** Counters without omitempty upstream: always printed. */
const counters = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

export const podDisruptionBudgetResource: ResourceDefinition = defineResource<PodDisruptionBudget>({
  ref: policyv1Resources.poddisruptionbudgets,
  shortNames: ['pdb'],
  subresources: [
    statusSubresource<PodDisruptionBudget>({
      prepareForUpdate: (budget, old) => {
        budget.spec = old.spec as Draft<PodDisruptionBudgetSpec>;
      },
      validateUpdate: ({ status }) => statusErrors(status),
    }),
  ],
  columns: [
    nameColumn,
    column('Min Available', 'string', 'How many pods must stay available.', ({ spec }) => String(spec.minAvailable ?? 'N/A')),
    column('Max Unavailable', 'string', 'How many pods may be unavailable.', ({ spec }) => String(spec.maxUnavailable ?? 'N/A')),
    column('Allowed Disruptions', 'integer', 'How many pods may be disrupted now.', ({ status }) => status.disruptionsAllowed),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (budget) => {
      budget.spec ??= {};
      budget.status ??= noStatus();
      for (const counter of counters) budget.status[counter] ??= 0;
    },
    prepareForCreate: (budget) => {
      budget.status = noStatus();
    },
    prepareForUpdate: (budget, old) => {
      budget.status = old.status as Draft<PodDisruptionBudgetStatus>;
    },
    validate: validateBudget,
    validateUpdate: validateBudget,
    allowUnconditionalUpdate: false,
  },
});

function noStatus(): Draft<PodDisruptionBudgetStatus> {
  return { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
}

function validateBudget({ spec }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = goStruct(spec, ['minAvailable', 'selector', 'maxUnavailable', 'unhealthyPodEvictionPolicy']);
    errors.push(invalidValue('spec', shown, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [path, value] of [
    ['spec.minAvailable', minAvailable],
    ['spec.maxUnavailable', maxUnavailable],
  ] as const) {
    if (value !== undefined) errors.push(...intOrPercentErrors(path, value), ...atMostAllErrors(path, value));
  }
  validateLabelSelector(selector, 'spec.selector', errors);
  if (unhealthyPodEvictionPolicy !== undefined) {
    addUnsupported(errors, 'spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, unhealthyPolicies);
  }
  return errors;
}

function statusErrors(status: PodDisruptionBudgetStatus): FieldError[] {
  const errors: FieldError[] = [];
  validateConditions(status.conditions ?? [], 'status.conditions', errors);
  for (const counter of counters) errors.push(...nonNegativeErrors(`status.${counter}`, status[counter]));
  return errors;
}
