/**
 * The operations of the served resources, apart from the form in which OpenAPI 2 and 3 print them: one list that both documents are
 * made from. Names and parameters are upstream's: clients look operations up by them.
 * @source kube-openapi, apiserver endpoints/installer.go
 */
import type { ResourceDefinition, Verb } from '../resource-definition.ts';
import { definitionNames, definitionOfKind, type GroupVersionKind } from '../schema/index.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options' | 'head';

export interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
}

export interface OperationDescription {
  /** Such as `/api/v1/namespaces/{namespace}/pods/{name}`. */
  readonly path: string;
  readonly method: Method;
  readonly operationId: string;
  /** Such as `apps_v1`. */
  readonly tag: string;
  /** The value of `x-kubernetes-action`. */
  readonly action: 'get' | 'list' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection' | 'connect';
  readonly kind: GroupVersionKind;
  readonly query: readonly QueryParameter[];
  readonly body?: { readonly definition: string; readonly required: boolean; readonly mediaTypes: readonly string[] };
  /** Definition of the answer by status code; undefined for a plain text. */
  readonly answers: readonly { readonly code: number; readonly definition: string | undefined }[];
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const statusDefinition = `${meta}.Status`;
const deleteOptionsDefinition = `${meta}.DeleteOptions`;
const patchDefinition = `${meta}.Patch`;

const patchTypes: readonly string[] = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const anyType: readonly string[] = ['*/*'];

const text = (name: string): QueryParameter => ({ name, type: 'string' });
const integer = (name: string): QueryParameter => ({ name, type: 'integer' });
const boolean = (name: string): QueryParameter => ({ name, type: 'boolean' });

const pretty = text('pretty');
const writing: readonly QueryParameter[] = [text('dryRun'), text('fieldManager'), text('fieldValidation')];
const deleting: readonly QueryParameter[] = [
  text('dryRun'),
  integer('gracePeriodSeconds'),
  boolean('ignoreStoreReadErrorWithClusterBreakingPotential'),
  boolean('orphanDependents'),
  text('propagationPolicy'),
];
const selecting: readonly QueryParameter[] = [
  text('continue'),
  text('fieldSelector'),
  text('labelSelector'),
  integer('limit'),
  text('resourceVersion'),
  text('resourceVersionMatch'),
  boolean('sendInitialEvents'),
  integer('timeoutSeconds'),
];
const listing: readonly QueryParameter[] = [boolean('allowWatchBookmarks'), ...selecting, boolean('watch')];

/** Every operation of these resources, by path. */
export function operationsOf(resources: readonly ResourceDefinition[]): OperationDescription[] {
  return resources.flatMap((resource) => [
    ...resourceOperations(resource),
    ...resource.subresources.flatMap((part) => partOperations(resource, part)),
  ]);
}

/** The definition of a resource's objects; undefined for one that the built-in schema does not know. */
export function definitionOf(resource: ResourceDefinition): string | undefined {
  return known.has(resource.schema) ? resource.schema : definitionOfKind(resource);
}

const known = new Set(definitionNames());

/** Where a resource is found, and the two parts of its operations' names. */
interface Place {
  readonly collection: string;
  /** Such as `AppsV1`. */
  readonly scope: string;
  /** Such as `NamespacedDeployment`. */
  readonly object: string;
}

function placeOf(resource: ResourceDefinition): Place {
  const { group, version, plural, namespaced, kind } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  return { collection, scope: `${groupName(group)}${capital(version)}`, object: `${namespaced ? 'Namespaced' : ''}${kind}` };
}

/** `rbac.authorization.k8s.io` → `RbacAuthorization`, the core group → `Core`. */
function groupName(group: string): string {
  if (group === '') return 'Core';
  return group
    .replace(/\.k8s\.io$/, '')
    .split('.')
    .map(capital)
    .join('');
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function tagOf({ group, version }: ResourceDefinition): string {
  const name = group === '' ? 'core' : groupName(group).slice(0, 1).toLowerCase() + groupName(group).slice(1);
  return `${name}_${version}`;
}

function resourceOperations(resource: ResourceDefinition): OperationDescription[] {
  const definition = definitionOf(resource);
  if (definition === undefined) return [];
  const place = placeOf(resource);
  const list = definitionOfKind({ group: resource.group, version: resource.version, kind: resource.listKind }) ?? definition;
  const has = (verb: Verb): boolean => resource.verbs.includes(verb);
  const { group, version, kind } = resource;
  const base = { tag: tagOf(resource), kind: { group, version, kind } };
  const collection = { ...base, path: place.collection };
  const item = { ...base, path: `${place.collection}/{name}` };
  const ok = (name: string): OperationDescription['answers'] => [{ code: 200, definition: name }];
  const found: (OperationDescription | false)[] = [
    has('list') && {
      ...collection,
      method: 'get',
      action: 'list',
      operationId: `list${place.scope}${place.object}`,
      query: [pretty, ...listing],
      answers: ok(list),
    },
    has('create') && {
      ...collection,
      method: 'post',
      action: 'post',
      operationId: `create${place.scope}${place.object}`,
      query: [...writing, pretty],
      body: { definition, required: true, mediaTypes: anyType },
      answers: [200, 201, 202].map((code) => ({ code, definition })),
    },
    has('deletecollection') && {
      ...collection,
      method: 'delete',
      action: 'deletecollection',
      operationId: `delete${place.scope}Collection${place.object}`,
      query: [pretty, ...selecting, ...deleting.filter(({ name }) => !selecting.some((other) => other.name === name))],
      body: { definition: deleteOptionsDefinition, required: false, mediaTypes: anyType },
      answers: ok(statusDefinition),
    },
    has('get') && {
      ...item,
      method: 'get',
      action: 'get',
      operationId: `read${place.scope}${place.object}`,
      query: [pretty],
      answers: ok(definition),
    },
    has('update') && updateOperation({ ...item, operationId: `replace${place.scope}${place.object}` }, definition),
    has('patch') && patchOperation({ ...item, operationId: `patch${place.scope}${place.object}` }, definition),
    has('delete') && {
      ...item,
      method: 'delete',
      action: 'delete',
      operationId: `delete${place.scope}${place.object}`,
      query: [pretty, ...deleting],
      body: { definition: deleteOptionsDefinition, required: false, mediaTypes: anyType },
      answers: [200, 202].map((code) => ({ code, definition: resource.plural === 'pods' ? definition : statusDefinition })),
    },
    has('list') &&
      resource.namespaced && {
        ...base,
        path: place.collection.replace('/namespaces/{namespace}', ''),
        method: 'get',
        action: 'list',
        operationId: `list${place.scope}${resource.kind}ForAllNamespaces`,
        query: [pretty, ...listing],
        answers: ok(list),
      },
  ];
  return found.filter((operation) => operation !== false);
}

type Base = Pick<OperationDescription, 'path' | 'tag' | 'kind' | 'operationId'>;

function updateOperation(base: Base, definition: string): OperationDescription {
  return {
    ...base,
    method: 'put',
    action: 'put',
    query: [...writing, pretty],
    body: { definition, required: true, mediaTypes: anyType },
    answers: [200, 201].map((code) => ({ code, definition })),
  };
}

function patchOperation(base: Base, definition: string): OperationDescription {
  return {
    ...base,
    method: 'patch',
    action: 'patch',
    query: [...writing, boolean('force'), pretty],
    body: { definition: patchDefinition, required: true, mediaTypes: patchTypes },
    answers: [200, 201].map((code) => ({ code, definition })),
  };
}

const streams: readonly QueryParameter[] = [text('container'), boolean('stderr'), boolean('stdin'), boolean('stdout'), boolean('tty')];
const opened: readonly Method[] = ['get', 'post'];

/** Subresources that are a connection and not an object: how it is opened, and what may be asked of it. */
const connections: Readonly<Record<string, { readonly methods: readonly Method[]; readonly query: readonly QueryParameter[] }>> = {
  attach: { methods: opened, query: streams },
  exec: { methods: opened, query: [text('command'), ...streams] },
  portforward: { methods: opened, query: [integer('ports')] },
  proxy: { methods: ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'], query: [text('path')] },
};
const reading: readonly QueryParameter[] = [
  text('container'),
  boolean('follow'),
  boolean('insecureSkipTLSVerifyBackend'),
  integer('limitBytes'),
  pretty,
  boolean('previous'),
  integer('sinceSeconds'),
  text('stream'),
  integer('tailLines'),
  boolean('timestamps'),
];

function partOperations(resource: ResourceDefinition, part: ResourceDefinition['subresources'][number]): OperationDescription[] {
  const own = part.kind ?? { group: resource.group, version: resource.version, kind: resource.kind };
  const definition = part.kind ? definitionOfKind(part.kind) : definitionOf(resource);
  const place = placeOf(resource);
  const suffix = capital(part.name);
  const base = {
    tag: tagOf(resource),
    kind: { group: own.group, version: own.version, kind: own.kind },
    path: `${place.collection}/{name}/${part.name}`,
  };
  const plain = [{ code: 200, definition: undefined }] as const;
  if (Object.hasOwn(connections, part.name)) {
    const { methods, query } = connections[part.name]!;
    // What is behind a proxy has paths of its own.
    const ends = part.name === 'proxy' ? ['', 'WithPath'] : [''];
    return ends.flatMap((end) =>
      methods.map((method) => ({
        ...base,
        ...(end !== '' && { path: `${base.path}/{path}` }),
        method,
        action: 'connect' as const,
        operationId: `connect${place.scope}${capital(method)}${place.object}${suffix}${end}`,
        query,
        answers: plain,
      })),
    );
  }
  if (part.name === 'log')
    return [
      { ...base, method: 'get', action: 'get', operationId: `read${place.scope}${place.object}${suffix}`, query: reading, answers: plain },
    ];
  if (definition === undefined) return [];
  const found: (OperationDescription | false)[] = [
    part.verbs.includes('get') && {
      ...base,
      method: 'get',
      action: 'get',
      operationId: `read${place.scope}${place.object}${suffix}`,
      query: [pretty],
      answers: [{ code: 200, definition }],
    },
    part.verbs.includes('create') && {
      ...base,
      method: 'post',
      action: 'post',
      operationId: `create${place.scope}${place.object}${suffix}`,
      query: [...writing, pretty],
      body: { definition, required: true, mediaTypes: anyType },
      answers: [200, 201, 202].map((code) => ({ code, definition })),
    },
    part.verbs.includes('update') && updateOperation({ ...base, operationId: `replace${place.scope}${place.object}${suffix}` }, definition),
    part.verbs.includes('patch') && patchOperation({ ...base, operationId: `patch${place.scope}${place.object}${suffix}` }, definition),
  ];
  return found.filter((operation) => operation !== false);
}

/** Names in braces in a path, in their order. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
}
