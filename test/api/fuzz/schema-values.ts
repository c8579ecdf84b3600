/** Values as the schema says they are, with some sense in them: they pass decoding and give validation something to look at. */
import { schemaOf, type FieldSchema, type ObjectSchema, type ValueSchema } from '../../../src/api/schema/index.ts';
import type { Dice } from './dice.ts';

const maxDepth = 9;

/** What stands in fields of these names. */
const sensible: Readonly<Record<string, readonly unknown[]>> = {
  name: ['a', 'c', 'http', 'v', 'fuzz-a', 'fuzz-b', 'x.io/y', 'A_B'],
  generateName: ['fuzz-'],
  namespace: ['default', 'other', ''],
  image: ['i', 'registry/i:v1', ' i'],
  kind: ['Pod', 'Deployment', 'User', 'Node', 'Role', 'PersistentVolume'],
  apiVersion: ['v1', 'apps/v1', 'x'],
  apiGroup: ['', 'apps', 'rbac.authorization.k8s.io'],
  operator: ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Equal', 'Gt', 'Lt'],
  effect: ['NoSchedule', 'NoExecute', ''],
  key: ['a', 'x.io/y', 'kubernetes.io/hostname', ''],
  topologyKey: ['kubernetes.io/hostname', 'zone', ''],
  path: ['/', '/x', 'x', '../x', '/x/../y'],
  mountPath: ['/v', '/v/w', 'v:w'],
  subPath: ['x', '../x', '/x'],
  restartPolicy: ['Always', 'Never', 'OnFailure'],
  protocol: ['TCP', 'UDP', 'SCTP', 'tcp'],
  host: ['a.b', '*.a.b', '10.0.0.1', ''],
  hostname: ['h', 'H.h'],
  cidr: ['10.0.0.0/8', '::/0', '10.0.0.1/8', 'x'],
  type: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName', 'Opaque', 'Recreate', 'RollingUpdate', 'Container', 'Pods', 'Resource'],
  status: ['True', 'False', 'Unknown', ''],
  clusterIP: ['', 'None', '10.96.0.77', 'x'],
  schedule: ['* * * * *', '@hourly', '1-0 * * * *', '*/0 * * * *', ' '.repeat(3)],
  timeZone: ['Etc/UTC', 'Local', '../etc', ''],
  fieldPath: ['metadata.name', "metadata.labels['a']", 'spec.x', ''],
  resource: ['limits.cpu', 'pods', 'services', 'cpu'],
  verbs: ['get', '*', 'list'],
  finalizers: ['kubernetes', 'x.io/y', 'orphan', 'x'],
  resourceVersion: ['', '1', '0'],
  uid: ['', 'u'],
};
const texts = ['', 'a', 'b', 'fuzz-a', 'x.io/y', 'True', '1', 'a b', 'ä', 'A'.repeat(64), '{"a":1}', '10%', '-1', 'None', 'Default'];
const integers = [0, 1, 2, 5, 80, 443, 600, 30_000, 65_535, 65_536, -1, 2_147_483_647, -2_147_483_648];
const addresses = ['10.0.0.1', '::1', '127.0.0.1', '169.254.169.254', '0.0.0.0', '::ffff:10.0.0.1', '010.0.0.1', 'x'];
const specials: Readonly<Record<string, readonly unknown[]>> = {
  Quantity: ['0', '1', '100m', '1.5Gi', '1e3', '-1', 2, '1Ki', '9223372036854775807', '0.0000000001', '1E100', ''],
  IntOrString: [0, 80, -1, 70_000, '', 'http', '25%', '101%', '-5%'],
  Time: ['2026-01-02T03:04:05Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', null, '2026-01-02T03:04:05.5+02:00'],
  MicroTime: ['2026-01-02T03:04:05.678901Z', '1969-12-31T23:59:59.999999Z', null],
  FieldsV1: [{ 'f:metadata': { 'f:labels': { 'f:a': {} } } }, {}],
};

/** An object of a type with a part of its fields; those that must be there nearly always are. */
export function objectOf(schema: ObjectSchema, dice: Dice, depth = 0): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  // The deeper, the less: a pod's template has two thousand places.
  const share = Math.max(0.05, 0.35 - depth * 0.06);
  for (const field of schema.fields.values()) {
    if (depth === 0 && (field.name === 'kind' || field.name === 'apiVersion' || field.name === 'metadata')) continue;
    if (dice.chance(field.required ? 0.95 : share)) setOwn(object, field.name, fieldValue(field, dice, depth + 1));
  }
  return object;
}

export function fieldValue({ name, value, enum: known }: FieldSchema, dice: Dice, depth: number): unknown {
  const words = known ?? (Object.hasOwn(sensible, name) ? sensible[name] : undefined);
  if (words && dice.chance(0.9)) {
    if (value.kind === 'string') return dice.pick(words);
    if (value.kind === 'list' && value.items.kind === 'string') return Array.from({ length: 1 + dice.below(2) }, () => dice.pick(words));
  }
  if (value.kind === 'string' && /ips?$|address(?:es)?$/i.test(name)) return dice.pick(addresses);
  return valueOf(value, dice, depth);
}

export function valueOf(value: ValueSchema, dice: Dice, depth: number): unknown {
  switch (value.kind) {
    case 'string':
      return dice.pick(texts);
    case 'boolean':
      return dice.chance(0.5);
    case 'int32':
    case 'int64':
      return dice.pick(integers);
    case 'number':
      return dice.pick([0, 1, -0.5, 1e300]);
    case 'bytes':
      return dice.pick(['', 'AA==', 'AAECAwQF', '//79']);
    case 'any':
      return dice.pick<unknown>([{}, { a: [1, null, { b: 'ä' }] }, null, 'x']);
    case 'list':
      return Array.from({ length: depth > maxDepth ? 0 : dice.below(3) }, () => valueOf(value.items, dice, depth));
    case 'map':
      return Object.fromEntries(
        Array.from({ length: depth > maxDepth ? 0 : dice.below(3) }, () => [
          dice.pick(['a', 'cpu', 'memory', 'storage', 'x.io/y', 'A', '', 'kubernetes.io/x']),
          valueOf(value.values, dice, depth),
        ]),
      );
    case 'object':
      return depth > maxDepth ? {} : objectOf(schemaOf(value.definition), dice, depth);
    default:
      return dice.pick(specials[value.special] ?? [{}, { a: 1 }, [], true]);
  }
}

/** Writes fields that the schema knows into an object, at places of its own choice. */
export function enrich(object: Record<string, unknown>, schema: ObjectSchema, dice: Dice): void {
  for (let times = 1 + dice.below(3); times > 0; times--) {
    let at = object;
    let of = schema;
    for (let depth = 0; ; depth++) {
      const fields = [...of.fields.values()].filter(({ name }) => depth > 0 || (name !== 'kind' && name !== 'apiVersion'));
      if (fields.length === 0) break;
      const field = dice.pick(fields);
      const inner = stepInto(at[field.name], field.value, dice);
      if (inner && dice.chance(0.85)) {
        [at, of] = inner;
        continue;
      }
      if (depth > 0 || field.name !== 'metadata') setOwn(at, field.name, fieldValue(field, dice, depth + 4));
      break;
    }
  }
}

function stepInto(value: unknown, schema: ValueSchema, dice: Dice): [Record<string, unknown>, ObjectSchema] | undefined {
  const [item, of] =
    Array.isArray(value) && value.length > 0 && schema.kind === 'list' ? [dice.pick(value), schema.items] : [value, schema];
  if (of.kind !== 'object' || typeof item !== 'object' || item === null || Array.isArray(item)) return undefined;
  return [item as Record<string, unknown>, schemaOf(of.definition)];
}

/** Whatever the key is called. */
export function setOwn(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
