/** RuntimeClass: which handler of the container engine runs a pod, and what that costs. @source pkg/apis/node/validation, v1.35 */
import type { FieldError } from '../errors.ts';
import { duplicate, invalidValue } from '../field-errors.ts';
import type { RuntimeClass } from '../gen/node-v1.ts';
import { nodev1Resources } from '../gen/resources.ts';
import { dns1123LabelErrors } from '../names.ts';
import { validateLabels } from '../object-meta.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { canonicalizeResources } from './core/resource-list.ts';
import { validateResourceList } from './core/pod/validate-resources.ts';
import { validateTolerations } from './core/pod/validate-scheduling.ts';
import { defineResource } from './define-resource.ts';
import { immutableField, sameJson } from './immutable.ts';
import { ageColumn, column, nameColumn } from './standard-columns.ts';

export const runtimeClassResource: ResourceDefinition = defineResource<RuntimeClass>({
  ref: nodev1Resources.runtimeclasses,
  columns: [
    nameColumn,
    column('Handler', 'string', 'The name of the runtime in the container engine.', ({ handler }) => handler),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (runtimeClass) => canonicalizeResources(runtimeClass.overhead?.podFixed),
    validate: validateRuntimeClass,
    validateUpdate: (runtimeClass, old) => immutableField('handler', runtimeClass.handler, old.handler),
    allowUnconditionalUpdate: false,
  },
});

function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const errors: FieldError[] = [];
  for (const message of dns1123LabelErrors(handler ?? '')) errors.push(invalidValue('handler', handler ?? '', message));
  if (overhead?.podFixed) validateResourceList(overhead.podFixed, 'overhead', errors);
  if (scheduling?.nodeSelector) validateLabels(scheduling.nodeSelector, 'scheduling.nodeSelector', errors);
  const tolerations = scheduling?.tolerations ?? [];
  validateTolerations(tolerations, 'scheduling.tolerations', errors);
  tolerations.forEach((toleration, i) => {
    if (tolerations.slice(0, i).some((earlier) => sameJson(earlier, toleration))) {
      const { key = '', operator = '', value = '', effect = '', tolerationSeconds = null } = toleration;
      // As upstream prints its own structure.
      const printed = { Key: key, Operator: operator, Value: value, Effect: effect, TolerationSeconds: tolerationSeconds };
      errors.push(duplicate(`scheduling.tolerations[${i}]`, printed));
    }
  });
  return errors;
}
