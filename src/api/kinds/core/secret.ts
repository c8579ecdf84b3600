/**
 * Secret: bytes by key with a type that says which keys must be there. `stringData` is only written: it becomes `data`.
 * @source pkg/apis/core/validation/validation.go and pkg/apis/core/v1/conversion.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, required, tooLong } from '../../field-errors.ts';
import type { Secret } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { JsonSyntaxError, parseJson } from '../../json/index.ts';
import { configMapKeyErrors } from '../../names.ts';
import type { Draft } from '../../object.ts';
import { decodeBase64 } from '../../protobuf/base64.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { describeJson } from '../../schema/go-names.ts';
import { base64ByteLength, utf8ToBase64 } from '../base64.ts';
import { defineResource } from '../define-resource.ts';
import { frozenDataErrors, immutableField } from '../immutable.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { maxDataBytes } from './config-map.ts';

const serviceAccountNameAnnotation = 'kubernetes.io/service-account.name';

export const secretResource: ResourceDefinition = defineResource<Secret>({
  ref: corev1Resources.secrets,
  columns: [
    nameColumn,
    column('Type', 'string', 'What kind of secret it is.', ({ type }) => type ?? ''),
    column('Data', 'string', 'How many keys the secret has.', ({ data }) => (data ? Object.keys(data).length : 0)),
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
  strategy: {
    applyDefaults: applySecretDefaults,
    validate: validateSecret,
    validateUpdate: (secret, old) => [
      ...immutableField('type', secret.type, old.type),
      ...frozenDataErrors(secret, old, ['data']),
      ...validateSecret(secret),
    ],
  },
});

function applySecretDefaults(secret: Draft<Secret>): void {
  if (secret.stringData) {
    secret.data ??= {};
    for (const key in secret.stringData) secret.data[key] = utf8ToBase64(secret.stringData[key]!);
    delete secret.stringData;
  }
  if (!secret.type) secret.type = 'Opaque';
}

function validateSecret(secret: Secret): FieldError[] {
  const errors: FieldError[] = [];
  const data = secret.data ?? {};
  let bytes = 0;
  for (const key in data) {
    for (const message of configMapKeyErrors(key)) errors.push(invalidValue(`data[${key}]`, key, message));
    bytes += base64ByteLength(data[key]!);
  }
  if (bytes > maxDataBytes) errors.push(tooLong('data', maxDataBytes));
  return errors.concat(typeErrors(secret, data));
}

function typeErrors(secret: Secret, data: Readonly<Record<string, string>>): FieldError[] {
  const has = (key: string): boolean => Object.hasOwn(data, key);
  const missing = (...keys: string[]): FieldError[] => keys.filter((key) => !has(key)).map((key) => required(`data[${key}]`));
  switch (secret.type) {
    case 'kubernetes.io/service-account-token':
      return secret.metadata.annotations?.[serviceAccountNameAnnotation]
        ? []
        : [required(`metadata.annotations[${serviceAccountNameAnnotation}]`)];
    case 'kubernetes.io/dockercfg':
      return jsonErrors(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return jsonErrors(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return has('username') || has('password') ? [] : missing('username', 'password');
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required('data[ssh-privatekey]')];
    case 'kubernetes.io/tls':
      return missing('tls.crt', 'tls.key');
    default:
      return [];
  }
}

/** The key must be there and hold a JSON object. The contents never appear in the message. */
function jsonErrors(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  if (!Object.hasOwn(data, key)) return [required(`data[${key}]`)];
  const fault = jsonObjectFault(decodeBase64(data[key]!));
  return fault === undefined ? [] : [invalidValue(`data[${key}]`, '<secret contents redacted>', fault)];
}

/** What Go says of text that it cannot read into a map. */
function jsonObjectFault(bytes: Uint8Array): string | undefined {
  let value: unknown;
  try {
    value = parseJson(bytes).value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return error.message;
  }
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
  return `json: cannot unmarshal ${describeJson(value, { withNumber: false })} into Go value of type map[string]interface {}`;
}
