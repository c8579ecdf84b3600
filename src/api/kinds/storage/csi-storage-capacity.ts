/** CSIStorageCapacity: how much of a class is free for a set of nodes. @source pkg/apis/storage/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue } from '../../field-errors.ts';
import { storagev1Resources } from '../../gen/resources.ts';
import type { CSIStorageCapacity } from '../../gen/storage-v1.ts';
import { dns1123SubdomainErrors } from '../../names.ts';
import { tryParseQuantity } from '../../quantity.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { resourceAmountErrors } from '../core/pod/validate-resources.ts';
import { defineResource } from '../define-resource.ts';
import { immutableField, sameJson } from '../immutable.ts';
import { column, nameColumn } from '../standard-columns.ts';

export const csiStorageCapacityResource: ResourceDefinition = defineResource<CSIStorageCapacity>({
  ref: storagev1Resources.csistoragecapacities,
  columns: [
    nameColumn,
    column('StorageClassName', 'string', 'The class.', ({ storageClassName }) => storageClassName),
    column('Capacity', 'string', 'How much is free.', ({ capacity }) =>
      capacity === undefined ? '<unset>' : (tryParseQuantity(capacity)?.toString() ?? capacity),
    ),
  ],
  strategy: {
    applyDefaults: (capacity) => {
      for (const field of ['capacity', 'maximumVolumeSize'] as const) {
        const amount = capacity[field] === undefined ? undefined : tryParseQuantity(capacity[field]);
        if (amount) capacity[field] = amount.toString();
      }
    },
    validate: validateCapacity,
    validateUpdate: (capacity, old) => [
      ...(sameJson(capacity.nodeTopology, old.nodeTopology)
        ? []
        : [invalidValue('nodeTopology', capacity.nodeTopology, 'field is immutable')]),
      ...immutableField('storageClassName', capacity.storageClassName, old.storageClassName),
    ],
    allowUnconditionalUpdate: false,
  },
});

function validateCapacity({ nodeTopology, storageClassName = '', capacity }: Partial<CSIStorageCapacity>): FieldError[] {
  const errors: FieldError[] = [];
  validateLabelSelector(nodeTopology, 'nodeTopology', errors);
  addInvalid(errors, 'storageClassName', storageClassName, dns1123SubdomainErrors(storageClassName));
  if (capacity !== undefined) errors.push(...resourceAmountErrors('storage', capacity, 'capacity'));
  return errors;
}
