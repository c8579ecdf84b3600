/**
 * StorageClass: how volumes are made for the claims that name it. One may be marked as the class of claims that name none.
 * @source pkg/apis/storage/validation/validation.go, v1/defaults.go, pkg/api/storage/util.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, addUnsupported, duplicate, forbidden, required } from '../../field-errors.ts';
import type { TopologySelectorTerm } from '../../gen/core-v1.ts';
import { storagev1Resources } from '../../gen/resources.ts';
import type { StorageClass } from '../../gen/storage-v1.ts';
import { defaultStorageClassMarks } from '../../default-class.ts';
import { qualifiedNameErrors } from '../../names.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { nodeLabelDeprecation } from '../core/node-label-warnings.ts';
import { defineResource } from '../define-resource.ts';
import { immutableField, sameJson } from '../immutable.ts';
import { ageColumn, column } from '../standard-columns.ts';
import { driverNameErrors, nameWithDefault, parameterErrors } from './class-rules.ts';

export const storageClassResource: ResourceDefinition = defineResource<StorageClass>({
  ref: storagev1Resources.storageclasses,
  shortNames: ['sc'],
  columns: [
    {
      ...column<StorageClass>('Name', 'string', 'The name of the class.', ({ metadata }) =>
        nameWithDefault(metadata, defaultStorageClassMarks),
      ),
      format: 'name',
    },
    column('Provisioner', 'string', 'Who makes its volumes.', ({ provisioner }) => provisioner),
    column('ReclaimPolicy', 'string', 'What happens to a volume when its claim is gone.', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    column(
      'VolumeBindingMode',
      'string',
      'Whether volumes are made at once or for the first pod.',
      ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate',
    ),
    column('AllowVolumeExpansion', 'boolean', 'Whether claims may grow.', ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (storageClass) => {
      storageClass.reclaimPolicy ??= 'Delete';
      storageClass.volumeBindingMode ??= 'Immediate';
    },
    validate: validateStorageClass,
    validateUpdate: validateStorageClassUpdate,
    warnings: topologyWarnings,
  },
});

function validateStorageClass(storageClass: StorageClass): FieldError[] {
  const { provisioner, parameters = {}, reclaimPolicy, volumeBindingMode, allowedTopologies = [] } = storageClass;
  const errors = [...driverNameErrors('provisioner', provisioner ?? ''), ...parameterErrors(parameters, { allowEmpty: true })];
  if (reclaimPolicy) addUnsupported(errors, 'reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']);
  if (volumeBindingMode === undefined) errors.push(required('volumeBindingMode'));
  else addUnsupported(errors, 'volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
  validateTopologies(allowedTopologies, errors);
  return errors;
}

function validateStorageClassUpdate(storageClass: StorageClass, old: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
    if (!sameJson(storageClass[field], old[field])) errors.push(forbidden(field, `updates to ${field} are forbidden.`));
  }
  return [...errors, ...immutableField('volumeBindingMode', storageClass.volumeBindingMode, old.volumeBindingMode)];
}

function validateTopologies(topologies: readonly TopologySelectorTerm[], errors: FieldError[]): void {
  // Upstream compares with as many empty terms as there are terms: an empty one is a duplicate of each.
  const seen: object[] = topologies.map(() => ({}));
  for (const [i, { matchLabelExpressions = [] }] of topologies.entries()) {
    const path = `allowedTopologies[${i}].matchLabelExpressions`;
    const values: Record<string, string[]> = {};
    for (const [j, expression] of matchLabelExpressions.entries()) {
      const at = `${path}[${j}]`;
      validateRequirement(expression, at, errors);
      if (Object.hasOwn(values, expression.key)) errors.push(duplicate(`${at}.key`, expression.key));
      values[expression.key] = [...new Set(expression.values ?? [])].sort();
    }
    for (const other of seen) if (sameJson(values, other)) errors.push(duplicate(path, ''));
    seen.push(values);
  }
}

type LabelExpression = NonNullable<TopologySelectorTerm['matchLabelExpressions']>[number];

function validateRequirement({ key, values = [] }: Partial<LabelExpression>, path: string, errors: FieldError[]): void {
  if (values.length === 0) errors.push(required(`${path}.values`));
  for (const [i, value] of values.entries()) if (values.indexOf(value) < i) errors.push(duplicate(`${path}.values[${i}]`, value));
  addInvalid(errors, `${path}.key`, key ?? '', qualifiedNameErrors(key ?? ''));
}

function topologyWarnings({ allowedTopologies = [] }: StorageClass): string[] {
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
    matchLabelExpressions.flatMap(({ key }, j) => {
      const message = nodeLabelDeprecation(key);
      return message === undefined ? [] : [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${message}`];
    }),
  );
}
