/**
 * Writes `src/api/protobuf/gen/messages.json`: for each message of a served API version its fields as `number name type`, joined by
 * `;`. Types: `s b i d y` (text, boolean, integer, double, bytes), `[` before a list, `{` before a map's values, `^` before a message
 * whose fields stand directly in the JSON object around it, otherwise the message's name (short within its own package).
 */
import { readFileSync } from 'node:fs';
import type { SchemaFacts } from './schema-facts.ts';

type Field = readonly [number: number, type: string, repeated?: 'repeated'];
type Packages = Readonly<Record<string, { readonly messages: Readonly<Record<string, Readonly<Record<string, Field>>>> }>>;

/** Nested messages whose fields stand in the object itself, as `Message.field`; a star stands for any message. */
const inlined = new Set([
  'NamedRuleWithOperations.ruleWithOperations',
  'RuleWithOperations.rule',
  'ConfigMapEnvSource.localObjectReference',
  'SecretEnvSource.localObjectReference',
  'ConfigMapKeySelector.localObjectReference',
  'SecretKeySelector.localObjectReference',
  'ConfigMapProjection.localObjectReference',
  'SecretProjection.localObjectReference',
  'ConfigMapVolumeSource.localObjectReference',
  'EphemeralContainer.ephemeralContainerCommon',
  'PersistentVolumeSpec.persistentVolumeSource',
  'Volume.volumeSource',
  'Probe.handler',
  'IngressRule.ingressRuleValue',
  'DeviceAllocationConfiguration.deviceConfiguration',
  'DeviceClaimConfiguration.deviceConfiguration',
  'DeviceClassConfiguration.deviceConfiguration',
]);

/** Fields that JSON calls otherwise, as `Message.field`. */
const renamed: Readonly<Record<string, string>> = {
  'MutatingWebhookConfiguration.Webhooks': 'webhooks',
  'ValidatingWebhookConfiguration.Webhooks': 'webhooks',
  'Validation.Expression': 'expression',
  'Variable.Name': 'name',
  'Variable.Expression': 'expression',
  'BoundObjectReference.uID': 'uid',
  'IngressClassParametersReference.aPIGroup': 'apiGroup',
  'JSONSchemaProps.ref': '$ref',
  'JSONSchemaProps.schema': '$schema',
};

const scalars: Readonly<Record<string, string>> = { string: 's', bool: 'b', int32: 'i', int64: 'i', double: 'd', bytes: 'y' };

/** The packages that the schema has types of, as `generateProtobuf` asks for them. */
export function packagesOf({ definitions }: SchemaFacts): (schemaPackage: string) => boolean {
  const packages = new Set(Object.keys(definitions).map((name) => name.slice(0, name.lastIndexOf('.'))));
  return (schemaPackage) => packages.has(schemaPackage);
}

/** @param data the folder of published facts @param served tells whether the schema has types of a package, such as `io.k8s.api.core.v1` */
export function generateProtobuf(data: string, served: (schemaPackage: string) => boolean): string {
  // The published facts have this form; see the README beside them.
  const packages = JSON.parse(readFileSync(`${data}/kubernetes-1.35-protobuf.json`, 'utf8')) as Packages;
  const messages: [string, string][] = [];
  for (const [name, { messages: own }] of Object.entries(packages)) {
    // Discovery is no resource, so the schema has none of its types.
    const isDiscovery = name.startsWith('k8s.io.api.apidiscovery.');
    if (name.startsWith('k8s.io.api.') && !isDiscovery && !served(`io.${name.slice(0, 'k8s'.length)}${name.slice('k8s.io'.length)}`))
      continue;
    if (name.includes('testapigroup')) continue;
    for (const [message, fields] of Object.entries(own)) messages.push([`${name}.${message}`, fieldsText(message, fields)]);
  }
  messages.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{\n${messages.map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(text)}`).join(',\n')}\n}\n`;
}

function fieldsText(message: string, fields: Readonly<Record<string, Field>>): string {
  const entries = Object.entries(fields).toSorted(([, [a]], [, [b]]) => a - b);
  return entries
    .map(([name, [number, type, repeated]]) => `${number} ${jsonName(message, name)} ${typeText(message, name, type, repeated)}`)
    .join(';');
}

function jsonName(message: string, field: string): string {
  const own = renamed[`${message}.${field}`];
  if (own) return own;
  const extension = /^xKubernetes([A-Z].*)$/.exec(field);
  if (!extension) return field;
  return `x-kubernetes${extension[1]!.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function typeText(message: string, field: string, type: string, repeated: string | undefined): string {
  const map = /^map<string,(.*)>$/.exec(type);
  if (map) return `{${valueText(map[1]!)}`;
  if (inlined.has(`${message}.${field}`)) return `^${valueText(type)}`;
  return `${repeated ? '[' : ''}${valueText(type)}`;
}

function valueText(type: string): string {
  return scalars[type] ?? type.replace(/^\./, '');
}
