/** VolumeAttributesClass: attributes of volumes that may change while they are used. @source pkg/apis/storage/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { forbidden } from '../../field-errors.ts';
import { storagev1Resources, storagev1beta1Resources } from '../../gen/resources.ts';
import type { VolumeAttributesClass } from '../../gen/storage-v1.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { otherVersion } from '../other-version.ts';
import { ageColumn, column } from '../standard-columns.ts';
import { driverNameErrors, nameWithDefault, parameterErrors } from './class-rules.ts';

export const volumeAttributesClassResource: ResourceDefinition = defineResource<VolumeAttributesClass>({
  ref: storagev1Resources.volumeattributesclasses,
  shortNames: ['vac'],
  columns: [
    {
      ...column<VolumeAttributesClass>('Name', 'string', 'The name of the class.', ({ metadata }) =>
        nameWithDefault(metadata, ['volumeattributesclass.alpha.kubernetes.io/is-default-class']),
      ),
      format: 'name',
    },
    column('DriverName', 'string', 'The driver that it is for.', ({ driverName }) => driverName),
    ageColumn,
  ],
  strategy: {
    validate: validateAttributesClass,
    validateUpdate: (attributesClass, old) => {
      const errors: FieldError[] = [];
      for (const field of ['driverName', 'parameters'] as const) {
        if (!sameJson(attributesClass[field], old[field])) errors.push(forbidden(field, `updates to ${field} are forbidden.`));
      }
      return [...errors, ...validateAttributesClass(attributesClass)];
    },
  },
});

function validateAttributesClass({ driverName, parameters = {} }: VolumeAttributesClass): FieldError[] {
  return [...driverNameErrors('driverName', driverName ?? ''), ...parameterErrors(parameters, { allowEmpty: false })];
}

/** Served when `--runtime-config` says so. */
export const volumeAttributesClassBetaResource: ResourceDefinition = otherVersion(
  volumeAttributesClassResource,
  storagev1beta1Resources.volumeattributesclasses,
  'storage.k8s.io/v1beta1 VolumeAttributesClass is deprecated in v1.34+, unavailable in v1.37+',
);
