/** ConfigMap: text and bytes by key, at most 1 MiB, optionally frozen. @source pkg/apis/core/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, tooLong } from '../../field-errors.ts';
import type { ConfigMap } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { configMapKeyErrors } from '../../names.ts';
import { utf8Length } from '../../object-meta.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { base64ByteLength } from '../base64.ts';
import { defineResource } from '../define-resource.ts';
import { frozenDataErrors } from '../immutable.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

/** The most bytes that the values of a ConfigMap or Secret have together. */
export const maxDataBytes = 1024 * 1024;

const keyCount = (map: object | undefined): number => (map ? Object.keys(map).length : 0);

export const configMapResource: ResourceDefinition = defineResource<ConfigMap>({
  ref: corev1Resources.configmaps,
  shortNames: ['cm'],
  columns: [
    nameColumn,
    column('Data', 'string', 'How many keys the map has.', ({ data, binaryData }) => keyCount(data) + keyCount(binaryData)),
    ageColumn,
  ],
  strategy: {
    validate: validateConfigMap,
    validateUpdate: (object, old) => [...frozenDataErrors(object, old, ['data', 'binaryData']), ...validateConfigMap(object)],
  },
});

function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let units = 0;
  for (const key in data) {
    for (const message of configMapKeyErrors(key)) errors.push(invalidValue(`data[${key}]`, key, message));
    if (Object.hasOwn(binaryData, key)) errors.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    units += data[key]!.length;
  }
  let bytes = 0;
  for (const key in binaryData) {
    for (const message of configMapKeyErrors(key)) errors.push(invalidValue(`binaryData[${key}]`, key, message));
    if (Object.hasOwn(data, key)) errors.push(invalidValue(`binaryData[${key}]`, key, 'duplicate of key present in data'));
    bytes += base64ByteLength(binaryData[key]!);
  }
  // A UTF-16 unit is at most three bytes of UTF-8: only near the limit is it worth counting exactly.
  if (units * 3 + bytes > maxDataBytes) {
    for (const key in data) bytes += utf8Length(data[key]!);
    if (bytes > maxDataBytes) errors.push(tooLong('', maxDataBytes));
  }
  return errors;
}
