/**
 * PriorityClass: how important pods are to one another. Values above a billion belong to the system's own two classes.
 * @source pkg/apis/scheduling/validation/validation.go and pkg/apis/scheduling/v1/helpers.go, v1.35
 */
import type { FieldError } from '../errors.ts';
import { forbidden, notSupported, required } from '../field-errors.ts';
import { schedulingv1Resources } from '../gen/resources.ts';
import type { PriorityClass } from '../gen/scheduling-v1.ts';
import type { Unsaved } from '../object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { defineResource } from './define-resource.ts';
import { immutableField } from './immutable.ts';
import { ageColumn, column, nameColumn } from './standard-columns.ts';

/** The largest value of a class that is not the system's. */
export const highestUserPriority = 1_000_000_000;

/** The classes that the API server itself keeps. */
export const systemPriorityClasses: readonly Unsaved<PriorityClass>[] = [
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-node-critical' },
    value: 2 * highestUserPriority + 1000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-cluster-critical' },
    value: 2 * highestUserPriority,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

export const priorityClassResource: ResourceDefinition = defineResource<PriorityClass>({
  ref: schedulingv1Resources.priorityclasses,
  shortNames: ['pc'],
  columns: [
    nameColumn,
    column('Value', 'integer', 'The priority that pods of the class get.', ({ value }) => value ?? 0),
    column('Global-Default', 'boolean', 'Whether pods without a class get this one.', ({ globalDefault }) => globalDefault ?? false),
    ageColumn,
    column(
      'PreemptionPolicy',
      'string',
      'Whether pods of the class may push out others.',
      ({ preemptionPolicy }) => preemptionPolicy ?? '',
    ),
  ],
  strategy: {
    applyDefaults: (priorityClass) => {
      priorityClass.value ??= 0;
      priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
    },
    validate: validatePriorityClass,
    validateUpdate: (priorityClass, old) => [
      ...(priorityClass.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
      ...immutableField('preemptionPolicy', priorityClass.preemptionPolicy, old.preemptionPolicy),
    ],
  },
});

function validatePriorityClass({ metadata, value, globalDefault, preemptionPolicy }: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.name?.startsWith('system-')) {
    const fault = systemClassFault(metadata.name, value, globalDefault ?? false);
    if (fault !== undefined) {
      errors.push(
        forbidden('metadata.name', `priority class names with 'system-' prefix are reserved for system use only. error: ${fault}`),
      );
    }
  } else if (value > highestUserPriority) {
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`));
  }
  if (!preemptionPolicy) errors.push(required('preemptionPolicy'));
  else if (preemptionPolicy !== 'PreemptLowerPriority' && preemptionPolicy !== 'Never') {
    errors.push(notSupported('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never']));
  }
  return errors;
}

function systemClassFault(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = systemPriorityClasses.find(({ metadata }) => metadata.name === name);
  if (!known) return `${name} is not a known system priority class`;
  if (known.value !== value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
