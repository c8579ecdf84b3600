/** The door of discovery: `/api`, `/apis` and what is below them, `/version`, and `/` with the paths of everything. */
import { createHash } from 'node:crypto';
import { encodeProtobuf } from '../../api/protobuf/index.ts';
import { ApiError, type JsonObject, type ResourceDefinition } from '../../api/index.ts';
import type { ExtensionFactory, RestEndpoint } from '../extension.ts';
import type { ApiResponse, RequestContext } from '../request.ts';
import { yamlText } from '../http/document-text.ts';
import { contentTypeOf } from '../http/negotiation.ts';
import { discoveryForm } from './accept-aggregated.ts';
import { ApiIndex } from './api-index.ts';
import { type VersionOptions, versionInfo } from './version-info.ts';

export { gitVersion, kubernetesVersion, type VersionOptions } from './version-info.ts';

export interface DiscoveryOptions {
  /** Host and port under which clients reach the server, such as `10.0.0.1:6443`. */
  readonly serverAddress: () => string;
  readonly version: VersionOptions;
  /** Whether a subresource with a handler of its own, such as `pods/exec`, has one; what has none is not told of. */
  readonly hasHandler: (name: string) => boolean;
  /** Paths of other extensions, for the list at `/`. */
  readonly otherPaths: () => readonly string[];
}

/** An aggregated document in its final form. */
interface Document {
  readonly body: Uint8Array;
  readonly etag: string;
}

/** Everything built from one state of the resource table. */
interface Snapshot {
  readonly definitions: readonly ResourceDefinition[];
  readonly index: ApiIndex;
  readonly documents: Map<string, Document>;
}

export function discoveryExtension(options: DiscoveryOptions): ExtensionFactory {
  return ({ registry }) => {
    let current: Snapshot | undefined;
    const snapshot = (): Snapshot => {
      const { definitions } = registry;
      if (!current || !sameEntries(current.definitions, definitions)) {
        current = {
          definitions: [...definitions],
          index: new ApiIndex(definitions.map((definition) => withServedSubresources(definition, options.hasHandler))),
          documents: new Map(),
        };
      }
      return current;
    };
    const version = versionInfo(options.version);
    const get = (path: string, answer: (ctx: RequestContext) => ApiResponse): RestEndpoint => ({
      path,
      methods: ['GET', 'HEAD'],
      handle: (ctx) => Promise.resolve(answer(ctx)),
    });
    const discover = (ctx: RequestContext): ApiResponse => {
      const path = ctx.info.path.replace(/\/+$/, '');
      if (path === '/api') return aggregated(ctx, snapshot(), 'core') ?? object(snapshot().index.legacyVersions(options.serverAddress()));
      if (path === '/apis') return aggregated(ctx, snapshot(), 'named') ?? object(snapshot().index.groupList());
      return object(listAt(snapshot().index, path));
    };
    return {
      endpoints: [
        get('/', () => indented({ paths: allPaths(snapshot().index, options.otherPaths()) })),
        get('/version', () => indented(version)),
        ...['/api', '/api/*', '/apis', '/apis/*'].map((path) => get(path, discover)),
      ],
    };
  };
}

function withServedSubresources(definition: ResourceDefinition, hasHandler: (name: string) => boolean): ResourceDefinition {
  const resource = definition.group === '' ? definition.plural : `${definition.plural}.${definition.group}`;
  const subresources = definition.subresources.filter(({ name, handler }) => handler !== 'custom' || hasHandler(`${resource}/${name}`));
  return { ...definition, subresources };
}

function object(body: JsonObject): ApiResponse {
  return { type: 'object', status: 200, object: body };
}

/** These two are read by people. @source apiserver responsewriters WriteRawJSON */
function indented(body: JsonObject): ApiResponse {
  return { type: 'bytes', status: 200, contentType: 'application/json', body: JSON.stringify(body, undefined, 2) };
}

/** The aggregated document when the client asks for it, with a tag by which it can tell that nothing changed. */
function aggregated(ctx: RequestContext, { index, documents }: Snapshot, which: 'core' | 'named'): ApiResponse | undefined {
  const form = discoveryForm(ctx.header('accept'));
  const { version, encoding } = form;
  if (version === 'legacy') return undefined;
  let document = documents.get(`${which} ${version} ${encoding}`);
  if (!document) {
    const list = index.aggregated(which, version);
    const json = Buffer.from(JSON.stringify(list));
    const etag = `"${createHash('sha512').update(json).digest('hex').toUpperCase()}"`;
    document = { body: encoding === 'json' ? json : encoding === 'yaml' ? yamlText(json) : messageOf(list, version), etag };
    documents.set(`${which} ${version} ${encoding}`, document);
  }
  const contentType = `${contentTypeOf(encoding)};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const headers = { ETag: document.etag, Vary: 'Accept', 'Cache-Control': 'public' };
  if (ctx.header('if-none-match') === document.etag) return { type: 'bytes', status: 304, contentType, body: '', headers };
  return { type: 'bytes', status: 200, contentType, body: document.body, headers };
}

function messageOf(list: JsonObject, version: 'v2' | 'v2beta1'): Uint8Array {
  const type = { apiVersion: `apidiscovery.k8s.io/${version}`, kind: 'APIGroupDiscoveryList' };
  return encodeProtobuf({ ...list, ...type }, `io.k8s.api.apidiscovery.${version}.APIGroupDiscoveryList`);
}

function listAt(index: ApiIndex, path: string): JsonObject {
  const [, root, ...rest] = path.split('/');
  const [group, version, ...more] = root === 'api' ? ['', ...rest] : rest;
  const found = more.length > 0 ? undefined : version === undefined ? index.group(group ?? '') : index.resourceList(group ?? '', version);
  if (!found) throw notFoundAt();
  return found;
}

/** What a path that nothing serves answers. */
export function notFoundAt(): ApiError {
  return new ApiError({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource', details: {} });
}

function allPaths(index: ApiIndex, otherPaths: readonly string[]): string[] {
  return [...new Set(['/api', '/apis', '/apis/', '/version', ...index.paths(), ...otherPaths])].toSorted();
}

function sameEntries(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((entry, i) => entry === b[i]);
}
