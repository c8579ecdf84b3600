/** Cases: requests of every verb, kind, subresource and encoding. Most of each is good, so that they get far before they fail. */
import type { ResourceDefinition, SubresourceDefinition } from '../../../src/api/index.ts';
import { encodeProtobuf, hasProtobuf } from '../../../src/api/protobuf/index.ts';
import { decodeObject, schemaOf } from '../../../src/api/schema/index.ts';
import { Dice } from './dice.ts';
import { goodObject, goodSubresource, namesOf } from './good-objects.ts';
import { evilValue, spoilBytes, spoilText, spoilTree } from './malice.ts';
import { pathsOutside, queryOf, writeQueryOf } from './addresses.ts';
import { enrich, objectOf } from './schema-values.ts';
import { yamlOf } from './yaml-text.ts';

export interface FuzzCase {
  readonly index: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** The answer has no end: it is enough that it begins. */
  readonly isWatch: boolean;
}

/** Subresources that lead out of the server: their cases go to objects that lead nowhere. */
const leadsOut: ReadonlySet<string> = new Set(['proxy', 'log', 'exec', 'attach', 'portforward']);
const verbOf = { POST: 'create', PUT: 'update', PATCH: 'patch', GET: 'get', DELETE: 'delete' } as const;
type Method = keyof typeof verbOf;
const patchTypes = ['json-patch+json', 'merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml'] as const;
type PatchType = (typeof patchTypes)[number];

/** The same case for the same seed and number. */
export function caseOf(resources: readonly ResourceDefinition[], seed: number, index: number): FuzzCase {
  const dice = new Dice(seed, index);
  // In turn, so that every kind has its part.
  const definition = resources[index % resources.length]!;
  const made = dice.chance(0.01) ? outside(dice) : new CaseMaker(definition, dice).make();
  return { index, isWatch: false, body: undefined, ...made, headers: { ...made.headers, ...oddHeaders(dice) } };
}

type Made = Pick<FuzzCase, 'method' | 'path' | 'headers'> & Partial<FuzzCase>;

function outside(dice: Dice): Made {
  return {
    method: dice.pick(['GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE']),
    path: dice.pick(pathsOutside),
    headers: { accept: dice.pick(accepts) },
  };
}

const accepts = [
  'application/yaml',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf',
  'application/vnd.kubernetes.protobuf;stream=watch,application/json',
  'application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io',
  'application/cbor',
  'text/html',
  ';;,',
  'application/json;q=0.5,*/*;q=abc',
  `application/${'x'.repeat(3_000)}`,
  ',a/b'.repeat(2_000),
];

function oddHeaders(dice: Dice): Record<string, string> {
  if (!dice.chance(0.06)) return {};
  return dice.pick<Record<string, string>>([
    { 'accept-encoding': 'gzip' },
    { 'content-encoding': dice.pick(['gzip', 'deflate', 'identity', 'x']) },
    { 'user-agent': 'x'.repeat(10_000) },
    { 'user-agent': '/' },
    { 'audit-id': 'x'.repeat(1_000) },
    { 'impersonate-user': 'fuzz', 'impersonate-group': 'system:masters' },
    { 'impersonate-group': 'system:masters' },
    { 'impersonate-user': '', 'impersonate-extra-%zz': 'x' },
    { authorization: 'Bearer a.b.c' },
    { authorization: `Basic ${'x'.repeat(2_000)}` },
    { 'if-none-match': '*' },
    { range: 'bytes=0-1' },
    { 'x-remote-user': 'system:admin', 'x-forwarded-for': '1.2.3.4' },
    { cookie: 'a=b; '.repeat(500) },
  ]);
}

class CaseMaker {
  readonly #definition: ResourceDefinition;
  readonly #dice: Dice;
  readonly #namespace: string;
  readonly #name: string;

  constructor(definition: ResourceDefinition, dice: Dice) {
    this.#definition = definition;
    this.#dice = dice;
    const { plural } = definition;
    // What forbids others things is better elsewhere.
    const forbids = plural === 'resourcequotas' || plural === 'limitranges';
    this.#namespace = dice.chance(0.02)
      ? dice.pick(['nope', '%2e%2e', '', 'x'.repeat(70)])
      : forbids || dice.chance(0.15)
        ? 'other'
        : 'default';
    this.#name = dice.chance(0.025)
      ? dice.pick(['a.b', 'A', '..', '%2F', '__proto__', 'x'.repeat(300), '%00', '%ff', '%zz', 'constructor'])
      : dice.pick(namesOf(plural));
  }

  make(): Made {
    const dice = this.#dice;
    const { verbs, subresources } = this.#definition;
    const can = (verb: string): boolean => (verbs as readonly string[]).includes(verb) || dice.chance(0.02);
    const below = subresources.length > 0 && dice.chance(0.2) ? dice.pick(subresources) : undefined;
    if (below) return this.#below(below);
    const kind = dice.weighed([
      [can('create') ? 36 : 0, 'create'],
      [can('update') ? 18 : 0, 'update'],
      [can('patch') ? 28 : 0, 'patch'],
      [can('delete') ? 2 : 0, 'delete'],
      [can('get') ? 2 : 0, 'get'],
      [can('list') ? 4 : 0, 'list'],
      [can('watch') ? 2 : 0, 'watch'],
      [can('deletecollection') ? 0.15 : 0, 'sweep'],
      [0.3, 'odd'],
    ] as const);
    switch (kind) {
      case 'create':
        return this.#create();
      case 'update':
        return { method: 'PUT', path: this.#path(this.#name), ...this.#object(this.#name, this.#definition.schema) };
      case 'patch':
        return this.#patch('', this.#definition.schema);
      case 'delete':
        return this.#delete();
      case 'get':
        return this.#read(`${this.#pathOnly(this.#name)}?${queryOf(dice)}`);
      case 'list':
        return this.#read(`${this.#pathOnly('')}?${queryOf(dice)}`);
      case 'watch':
        return this.#watch();
      case 'sweep':
        return {
          method: 'DELETE',
          path: `${this.#pathOnly('')}?labelSelector=${encodeURIComponent(dice.pick(['a=b', 'a!=b', '(((']))}`,
          headers: {},
        };
      default:
        return {
          method: dice.pick(['OPTIONS', 'TRACE', 'PROPFIND', 'POST', 'PATCH']),
          path: `${this.#path(this.#name)}/x/y/z`,
          headers: {},
        };
    }
  }

  #create(): Made {
    const dice = this.#dice;
    // What is only tried can have any name.
    const isTried = dice.chance(0.5);
    const name = isTried && this.#definition.plural !== 'ipaddresses' ? `fuzz-${dice.below(10_000)}` : this.#name;
    const path = isTried ? `${this.#pathOnly('')}?dryRun=All&${writeQueryOf(dice)}` : this.#path('');
    return { method: 'POST', path, ...this.#object(name, this.#definition.schema, undefined, dice.chance(0.4)) };
  }

  #delete(): Made {
    const dice = this.#dice;
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Background', preconditions: {} };
    if (dice.chance(0.5)) return { method: 'DELETE', path: this.#path(this.#name), headers: {} };
    if (dice.chance(0.5)) spoilTree(options, dice);
    return {
      method: 'DELETE',
      path: this.#path(this.#name),
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(options)),
    };
  }

  #read(path: string): Made {
    return { method: this.#dice.pick(['GET', 'GET', 'GET', 'HEAD']), path, headers: this.#accept(0.4) };
  }

  #watch(): Made {
    const dice = this.#dice;
    const path = dice.chance(0.2)
      ? this.#pathOnly('').replace(/^\/(api\/v1|apis\/[^/]+\/[^/]+)/, '/$1/watch')
      : `${this.#pathOnly('')}?${queryOf(dice)}&watch=${dice.pick(['1', 'true'])}`;
    return { method: 'GET', path, headers: this.#accept(0.6), isWatch: true };
  }

  /** Of one subresource. */
  #below(subresource: SubresourceDefinition): Made {
    const dice = this.#dice;
    const { name, kind, verbs } = subresource;
    const schema = kind
      ? `io.k8s.api.${kind.group === '' ? 'core' : kind.group.split('.')[0]}.${kind.version}.${kind.kind}`
      : this.#definition.schema;
    const methods = (Object.keys(verbOf) as Method[]).filter((method) => (verbs as readonly string[]).includes(verbOf[method]));
    const method =
      dice.chance(0.05) || methods.length === 0 ? dice.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) : dice.pick(methods);
    if (leadsOut.has(name)) {
      const id = dice.pick(['nowhere', 'nowhere:80', 'https:nowhere:x', 'a:b:c:d', 'https:nowhere:', 'nowhere:99999', 'nope']);
      const tail = name === 'proxy' ? dice.pick(['', '/', '/x/../y', '/%2e%2e/', '//', '/%ff']) : '';
      return {
        method,
        path: `${this.#pathOnly(id)}/${name}${tail}?${dice.pick(['', 'container=x', 'command=a&stdin=1', 'ports=1,x', 'tailLines=-1', 'sinceTime=x'])}`,
        headers: {},
      };
    }
    const path = this.#path(this.#name, `/${name}`);
    if (method === 'GET' || method === 'DELETE') return { method, path, headers: this.#accept(0.5) };
    if (method === 'PATCH') return this.#patch(`/${name}`, schema);
    return { method, path, ...this.#object(this.#name, schema, kind) };
  }

  #patch(below: string, schema: string): Made {
    const dice = this.#dice;
    const type = dice.pick(patchTypes);
    const path = this.#path(
      this.#name,
      below,
      type === 'apply-patch+yaml'
        ? `fieldManager=${dice.pick(['fuzz', 'fuzz', 'other', dice.chance(0.2) ? '' : 'fuzz'])}&force=${dice.pick(['true', 'false'])}&`
        : '',
    );
    const contentType = dice.chance(0.01) ? dice.pick(['application/json', 'application/apply-patch+cbor', '']) : `application/${type}`;
    const text = this.#spoilt(type === 'json-patch+json' ? JSON.stringify(this.#operations()) : this.#partial(type, schema, below));
    return { method: 'PATCH', path, headers: { ...this.#accept(0.06), 'content-type': contentType }, body: text };
  }

  #partial(type: PatchType, schema: string, below: string): string {
    const dice = this.#dice;
    const isApply = type === 'apply-patch+yaml';
    const tree: Record<string, unknown> = isApply ? this.#tree(this.#name, schema, kindOf(this.#definition, below)) : {};
    if (!isApply) {
      enrich(tree, schemaOf(schema), dice);
      if (dice.chance(0.3)) Object.assign(tree, objectOf(schemaOf(schema), dice, 2));
      if (dice.chance(0.15))
        Object.assign(tree, {
          metadata: dice.pick<unknown>([
            { labels: { x: null } },
            { finalizers: null },
            { annotations: { a: 'b' } },
            { managedFields: [{}] },
            { resourceVersion: '1' },
          ]),
        });
    }
    if (dice.chance(0.08)) tree['$patch'] = dice.pick(['replace', 'delete', 'merge', 'x', 1]);
    if (dice.chance(0.05)) tree['$retainKeys'] = dice.pick<unknown>([['spec'], 'x', [1]]);
    if (dice.chance(0.2)) spoilTree(tree, dice);
    return isApply && dice.chance(0.5) ? yamlOf(tree) : JSON.stringify(tree);
  }

  #operations(): unknown {
    const dice = this.#dice;
    const places = [
      '',
      '/',
      '/metadata/labels',
      '/metadata/labels/z',
      '/metadata/finalizers',
      '/metadata/finalizers/0',
      '/spec',
      '/spec/x',
      '/data/a',
      '/spec/containers/0/name',
      '/spec/template/spec/containers/-',
      '/__proto__/x',
      '/constructor/prototype/x',
      '/kind',
      '/metadata/name',
      '/status',
      '/rules/0/verbs/-',
      '/spec/containers/99999999999',
      '/~2',
      '/~0~1',
    ];
    const operations = Array.from({ length: dice.chance(0.03) ? 2_000 : 1 + dice.below(3) }, () => ({
      op: dice.chance(0.9) ? dice.pick(['add', 'add', 'replace', 'remove', 'copy', 'move', 'test']) : dice.pick<unknown>(['x', null, 1]),
      path: dice.pick(places),
      ...(dice.chance(0.4) && { from: dice.pick(places) }),
      ...(dice.chance(0.9) && { value: dice.chance(0.4) ? evilValue(dice) : dice.pick<unknown>(['x', {}, { a: 'b' }, 1]) }),
    }));
    if (dice.chance(0.6)) return [{ op: 'add', path: '/metadata/annotations', value: { fuzz: String(dice.below(9)) } }];
    return dice.chance(0.02) ? {} : operations;
  }

  #tree(
    name: string,
    schema: string,
    kind: { readonly group: string; readonly version: string; readonly kind: string },
    isGood = false,
  ): Record<string, unknown> {
    const dice = this.#dice;
    const own = schema === this.#definition.schema;
    const good = own ? goodObject(this.#definition) : goodSubresource(kind.kind);
    const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
    const content =
      good && (isGood || dice.chance(0.8)) ? (structuredClone(good) as Record<string, unknown>) : objectOf(schemaOf(schema), dice);
    // Reviews are kept nowhere and have no names.
    const metadata =
      own && !this.#definition.verbs.includes('get') && kind.kind !== 'Binding' ? {} : { name: decoded(name), labels: { a: 'b' } };
    const tree = { apiVersion, kind: kind.kind, metadata, ...content };
    if (!isGood && dice.chance(0.6)) enrich(tree, schemaOf(schema), dice);
    return tree;
  }

  /** A body with its type. */
  #object(
    name: string,
    schema: string,
    subkind?: SubresourceDefinition['kind'],
    isGood = false,
  ): { readonly headers: Record<string, string>; readonly body: Buffer } {
    const dice = this.#dice;
    const tree = this.#tree(name, schema, subkind ?? this.#definition, isGood);
    if (!isGood && dice.chance(0.2)) spoilTree(tree, dice);
    const headers = this.#accept(0.06);
    if (hasProtobuf(schema) && dice.chance(0.22)) {
      const bytes = protobufOf(tree, schema);
      if (bytes)
        return {
          headers: { ...headers, 'content-type': 'application/vnd.kubernetes.protobuf' },
          body: dice.chance(0.2) ? spoilBytes(bytes, dice) : bytes,
        };
    }
    const isYaml = dice.chance(0.2);
    const type = dice.chance(0.02)
      ? dice.pick(['application/cbor', 'text/plain', '', 'application/json; charset=latin1', 'a/b/c'])
      : isYaml
        ? 'application/yaml'
        : 'application/json';
    return { headers: { ...headers, 'content-type': type }, body: this.#spoilt(isYaml ? yamlOf(tree, dice) : JSON.stringify(tree)) };
  }

  #spoilt(text: string): Buffer {
    const dice = this.#dice;
    const spoilt = dice.chance(0.06) ? spoilText(text, dice) : text;
    return dice.chance(0.02) ? spoilBytes(Buffer.from(spoilt), dice) : Buffer.from(spoilt);
  }

  #accept(odd: number): Record<string, string> {
    return { accept: this.#dice.chance(odd) ? this.#dice.pick(accepts) : '*/*' };
  }

  #path(name: string, below = '', parameters = ''): string {
    return `${this.#pathOnly(name)}${below}?${parameters}${this.#dice.chance(0.3) ? writeQueryOf(this.#dice) : ''}`;
  }

  #pathOnly(name: string): string {
    const { group, version, plural, namespaced } = this.#definition;
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    return `${root}${namespaced ? `/namespaces/${this.#namespace}` : ''}/${plural}${name === '' ? '' : `/${name}`}`;
  }
}

function kindOf(
  definition: ResourceDefinition,
  below: string,
): { readonly group: string; readonly version: string; readonly kind: string } {
  return definition.subresources.find(({ name }) => `/${name}` === below)?.kind ?? definition;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Undefined when the tree is nothing that a message could say. */
function protobufOf(tree: Record<string, unknown>, schema: string): Buffer | undefined {
  try {
    const { object } = decodeObject(structuredClone(tree), schema, { fieldValidation: 'Ignore' });
    return Buffer.from(encodeProtobuf({ ...object, apiVersion: textOf(tree['apiVersion']), kind: textOf(tree['kind']) }, schema));
  } catch {
    return undefined;
  }
}
