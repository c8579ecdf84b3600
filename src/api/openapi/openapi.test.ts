import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { builtinResources } from '../kinds/index.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { createOpenApiSource } from './index.ts';
import { openApiV2Protobuf, UnknownOpenApiMemberError } from './protobuf-v2.ts';

const source = createOpenApiSource({ serverVersion: 'v1.35.0+knarr.test' });
const v2 = source.v2(builtinResources);
const appsV3 = source.v3(builtinResources, 'apis/apps/v1');
const coreV3 = source.v3(builtinResources, 'api/v1');

/** Every value at a key, however deep. */
function valuesOf(tree: JsonValue | undefined, key: string): JsonValue[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const own = Object.hasOwn(tree, key) ? [(tree as JsonObject)[key]!] : [];
  return [...own, ...Object.values(tree).flatMap((inner: JsonValue) => valuesOf(inner, key))];
}

function at(tree: JsonValue, ...path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((value, key) => (value as JsonObject | undefined)?.[key], tree);
}

describe.each([
  ['version 2', v2, ['definitions'], '#/definitions/'],
  ['version 3 of apps/v1', appsV3, ['components', 'schemas'], '#/components/schemas/'],
  ['version 3 of v1', coreV3, ['components', 'schemas'], '#/components/schemas/'],
] as const)('%s', (_name, document, place, prefix) => {
  test('every reference leads to a definition, and every definition is referred to or of a served kind', () => {
    const definitions = Object.keys(at(document, ...place) as object);
    const references = new Set(valuesOf(document, '$ref'));
    for (const reference of references) expect(definitions).toContain((reference as string).slice(prefix.length));
    const served = builtinResources.map(({ schema }) => schema);
    for (const name of definitions) expect(references.has(prefix + name) || served.includes(name)).toBe(true);
  });

  test('operations are told apart by their names', () => {
    const names = valuesOf(document['paths'], 'operationId');
    expect(new Set(names).size).toBe(names.length);
  });

  test('a patch names its kind and takes dryRun and fieldValidation, which kubectl looks for', () => {
    const patches = Object.values(document['paths'] as JsonObject).flatMap((item: JsonValue) => at(item, 'patch') ?? []);
    expect(patches.length).toBeGreaterThan(0);
    for (const patch of patches) {
      expect(at(patch, 'x-kubernetes-group-version-kind', 'kind')).toBeTypeOf('string');
      // What is sent through a proxy is no object of ours.
      if (at(patch, 'x-kubernetes-action') === 'connect') continue;
      const names = (at(patch, 'parameters') as readonly JsonObject[]).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['dryRun', 'fieldValidation']));
    }
  });

  test('every path has its parameters', () => {
    for (const [path, item] of Object.entries(document['paths'] as JsonObject)) {
      const names = (at(item, 'parameters') as readonly JsonObject[]).map(({ name }) => `{${name as string}}`);
      expect(path.match(/\{\w+\}/g) ?? []).toEqual(names);
    }
  });
});

test('operations have the names and actions that clients know', () => {
  const found = Object.entries(coreV3['paths'] as JsonObject).flatMap(([path, item]) =>
    Object.entries(item as JsonObject).flatMap(([method, operation]) => {
      const id = at(operation, 'operationId');
      return id === undefined ? [] : [`${id as string} ${method} ${at(operation, 'x-kubernetes-action') as string} ${path}`];
    }),
  );
  expect(found).toEqual(
    expect.arrayContaining([
      'listCoreV1NamespacedPod get list /api/v1/namespaces/{namespace}/pods',
      'listCoreV1PodForAllNamespaces get list /api/v1/pods',
      'deleteCoreV1CollectionNamespacedPod delete deletecollection /api/v1/namespaces/{namespace}/pods',
      'readCoreV1NamespacedPodStatus get get /api/v1/namespaces/{namespace}/pods/{name}/status',
      'createCoreV1NamespacedPodEviction post post /api/v1/namespaces/{namespace}/pods/{name}/eviction',
      'connectCoreV1PostNamespacedPodExec post connect /api/v1/namespaces/{namespace}/pods/{name}/exec',
      'connectCoreV1DeleteNodeProxy delete connect /api/v1/nodes/{name}/proxy',
      'connectCoreV1OptionsNamespacedServiceProxyWithPath options connect /api/v1/namespaces/{namespace}/services/{name}/proxy/{path}',
      'readCoreV1Node get get /api/v1/nodes/{name}',
      'patchCoreV1NamespacedService patch patch /api/v1/namespaces/{namespace}/services/{name}',
    ]),
  );
});

describe('types', () => {
  const schemas = at(coreV3, 'components', 'schemas')!;

  test('lists say how they merge', () => {
    expect(at(schemas, 'io.k8s.api.core.v1.Container', 'properties', 'ports')).toMatchObject({
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.ContainerPort' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'containerPort',
    });
  });

  test('kinds say which they are', () => {
    expect(at(schemas, 'io.k8s.api.core.v1.Pod', 'x-kubernetes-group-version-kind')).toEqual([{ group: '', version: 'v1', kind: 'Pod' }]);
    const everywhere = at(schemas, 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', 'x-kubernetes-group-version-kind');
    expect(everywhere).toEqual(expect.arrayContaining([{ group: 'apps', version: 'v1', kind: 'DeleteOptions' }]));
  });

  test('required fields, enums, defaults, formats', () => {
    expect(at(schemas, 'io.k8s.api.core.v1.ContainerPort')).toMatchObject({
      type: 'object',
      required: ['containerPort'],
      properties: { containerPort: { type: 'integer', format: 'int32' }, protocol: { default: 'TCP', enum: ['SCTP', 'TCP', 'UDP'] } },
    });
    expect(at(schemas, 'io.k8s.api.core.v1.Secret', 'properties', 'data', 'additionalProperties')).toEqual({
      type: 'string',
      format: 'byte',
    });
  });

  test('special types differ between the versions', () => {
    const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
    expect(at(schemas, quantity)).toEqual({ oneOf: [{ type: 'string' }, { type: 'number' }] });
    expect(at(v2, 'definitions', quantity)).toEqual({ type: 'string' });
    expect(at(v2, 'definitions', 'io.k8s.apimachinery.pkg.util.intstr.IntOrString')).toEqual({ type: 'string', format: 'int-or-string' });
  });

  test('a reference that says more is wrapped in version 3 only', () => {
    const name = 'io.k8s.api.apps.v1.DeploymentStrategy';
    const of = (schemas: JsonValue): JsonValue | undefined => at(schemas, 'io.k8s.api.apps.v1.DeploymentSpec', 'properties', 'strategy');
    expect(of(at(appsV3, 'components', 'schemas')!)).toMatchObject({
      allOf: [{ $ref: `#/components/schemas/${name}` }],
      'x-kubernetes-patch-strategy': 'retainKeys',
    });
    expect(of(v2['definitions']!)).toMatchObject({ $ref: `#/definitions/${name}`, 'x-kubernetes-patch-strategy': 'retainKeys' });
  });

  test('unions are printed with their discriminator', () => {
    expect(at(schemas, 'io.k8s.api.core.v1.SeccompProfile', 'x-kubernetes-unions')).toEqual([
      { discriminator: 'type', 'fields-to-discriminateBy': { localhostProfile: 'LocalhostProfile' } },
    ]);
  });

  test('descriptions are short', () => {
    for (const text of valuesOf(v2['definitions'], 'description')) expect(typeof text === 'string' && text.length > 100).toBe(false);
  });
});

describe('the protobuf form', () => {
  const proto = `syntax = "proto3"; package openapi.v2;
    message Any { string yaml = 2; } message NamedAny { string name = 1; Any value = 2; }
    message Schema { string ref = 1; string format = 2; string description = 4; Any default = 5; repeated string required = 19; repeated Any enum = 20;
      Additional additional_properties = 21; Strings type = 22; Items items = 23; Schemas properties = 25; repeated NamedAny extension = 31; }
    message Additional { Schema schema = 1; } message Strings { repeated string value = 1; } message Items { repeated Schema schema = 1; }
    message NamedSchema { string name = 1; Schema value = 2; } message Schemas { repeated NamedSchema pairs = 1; }
    message Query { string in = 2; string name = 4; string type = 6; bool unique_items = 20; }
    message NonBody { Query query = 3; } message Body { string name = 2; string in = 3; bool required = 4; Schema schema = 5; }
    message Parameter { Body body = 1; NonBody non_body = 2; } message ParametersItem { Parameter parameter = 1; }
    message Operation { repeated string tags = 1; string operation_id = 5; repeated string consumes = 7; repeated ParametersItem parameters = 8; repeated NamedAny extension = 13; }
    message PathItem { Operation get = 2; Operation patch = 8; } message NamedPathItem { string name = 1; PathItem value = 2; }
    message Paths { repeated NamedPathItem path = 2; } message Info { string title = 1; string version = 2; }
    message Document { string swagger = 1; Info info = 2; Paths paths = 8; Schemas definitions = 9; }`;
  const bytes = source.v2Protobuf(builtinResources);
  const message = protobuf.parse(proto).root.lookupType('openapi.v2.Document');
  const decoded: JsonObject = message.toObject(message.decode(bytes));

  const named = (pairs: JsonValue | undefined, name: string): JsonObject =>
    (pairs as unknown as readonly { name: string; value: JsonObject }[]).find((pair) => pair.name === name)!.value;

  test('has every path and every definition', () => {
    expect(decoded['info']).toEqual({ title: 'Kubernetes', version: 'v1.35.0+knarr.test' });
    const names = (pairs: JsonValue | undefined): JsonValue[] => (pairs as readonly JsonObject[]).map(({ name }) => name!);
    expect(names(at(decoded, 'paths', 'path'))).toEqual(Object.keys(v2['paths'] as object));
    expect(names(at(decoded, 'definitions', 'pairs'))).toEqual(Object.keys(v2['definitions'] as object));
  });

  test('says of a type what the JSON says', () => {
    const container = named(at(decoded, 'definitions', 'pairs'), 'io.k8s.api.core.v1.Container');
    expect(container['required']).toEqual(['name']);
    const ports = named(at(container, 'properties', 'pairs'), 'ports');
    expect(ports).toMatchObject({
      type: { value: ['array'] },
      items: { schema: [{ ref: '#/definitions/io.k8s.api.core.v1.ContainerPort' }] },
      extension: expect.arrayContaining([
        { name: 'x-kubernetes-list-map-keys', value: { yaml: '["containerPort","protocol"]' } },
        { name: 'x-kubernetes-patch-merge-key', value: { yaml: '"containerPort"' } },
      ]),
    });
    const policy = named(at(container, 'properties', 'pairs'), 'imagePullPolicy');
    expect(policy['enum']).toEqual(['Always', 'IfNotPresent', 'Never'].map((value) => ({ yaml: JSON.stringify(value) })));
  });

  test('says of a patch what it takes', () => {
    const patch = named(at(decoded, 'paths', 'path'), '/apis/apps/v1/namespaces/{namespace}/deployments/{name}')['patch']!;
    expect(patch).toMatchObject({
      operationId: 'patchAppsV1NamespacedDeployment',
      parameters: expect.arrayContaining([
        { parameter: { nonBody: { query: { in: 'query', name: 'dryRun', type: 'string', uniqueItems: true } } } },
        { parameter: { body: expect.objectContaining({ in: 'body', required: true }) } },
      ]),
      extension: expect.arrayContaining([
        { name: 'x-kubernetes-group-version-kind', value: { yaml: '{"group":"apps","version":"v1","kind":"Deployment"}' } },
      ]),
    });
  });

  test('refuses what it has no field for', () => {
    expect(() => openApiV2Protobuf({ swagger: '2.0', host: 'x' })).toThrow(UnknownOpenApiMemberError);
  });
});
