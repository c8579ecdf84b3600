/**
 * Reads the method and the path of a request into what they ask for. String scanning only: this runs for every request.
 * @source apiserver pkg/endpoints/request/requestinfo.go
 */
import type { QueryParameters, RequestInfo } from '../request.ts';
import { booleanParameter, parseQuery } from './query.ts';

const verbOfMethod: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Below a namespace these are subresources of the namespace itself, not resources in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

interface ResourceParts {
  readonly apiGroup: string;
  readonly version: string;
  /** What follows the version. */
  readonly rest: readonly string[];
}

/** @param target the request target: path and query as they stand on the wire */
export function parseRequestInfo(method: string, target: string): RequestInfo {
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const query = parseQuery(mark < 0 ? '' : target.slice(mark + 1));
  const path = rawPath.includes('%') ? decodePath(rawPath) : rawPath;
  const parts = resourceParts(rawPath);
  if (!parts) return pathRequest(method, path, query);
  return resourceRequest(method, path, query, parts);
}

function pathRequest(method: string, path: string, query: QueryParameters): RequestInfo {
  return {
    isResourceRequest: false,
    verb: method.toLowerCase(),
    path,
    apiGroup: '',
    version: '',
    resource: '',
    subresource: '',
    subpath: '',
    namespace: '',
    name: '',
    query,
  };
}

function resourceParts(rawPath: string): ResourceParts | undefined {
  const inCore = rawPath.startsWith('/api/');
  if (!inCore && !rawPath.startsWith('/apis/')) return undefined;
  const segments = rawPath.split('/').map(decodeSegment);
  // '', 'api', version, …  or  '', 'apis', group, version, …
  const at = inCore ? 3 : 4;
  let end = segments.length;
  while (end > at && segments[end - 1] === '') end--;
  if (end <= at) return undefined;
  return { apiGroup: inCore ? '' : segments[2]!, version: segments[at - 1]!, rest: segments.slice(at, end) };
}

function resourceRequest(method: string, path: string, query: QueryParameters, { apiGroup, version, rest }: ResourceParts): RequestInfo {
  let verb = verbOfMethod[method] ?? method.toLowerCase();
  let at = 0;
  if (rest[0] === 'watch' && rest.length > 1) {
    verb = 'watch';
    at = 1;
  }
  let namespace = '';
  if (rest[at] === 'namespaces' && rest.length > at + 1) {
    namespace = rest[at + 1]!;
    if (rest.length > at + 2 && !namespaceSubresources.has(rest[at + 2]!)) at += 2;
  }
  const resource = rest[at] ?? '';
  let name = rest[at + 1] ?? '';
  const subresource = rest[at + 2] ?? '';
  const subpath = rest.length > at + 3 ? `/${rest.slice(at + 3).join('/')}` : '';
  if (name === '') {
    if (verb === 'get') {
      verb = booleanParameter(query, 'watch') ? 'watch' : 'list';
      name = singleName(query.get('fieldSelector'));
    } else if (verb === 'delete') {
      verb = 'deletecollection';
    }
  }
  return { isResourceRequest: true, verb, path, apiGroup, version, resource, subresource, subpath, namespace, name, query };
}

/** A list or watch of one object is authorized for that name. */
export function singleName(fieldSelector: string | undefined): string {
  if (!fieldSelector?.includes('metadata.name=')) return '';
  const term = fieldSelector.split(',').find((part) => part.startsWith('metadata.name='));
  return term ? term.slice('metadata.name='.length).replace(/^=/, '') : '';
}

function decodeSegment(segment: string): string {
  return segment.includes('%') ? decodePath(segment) : segment;
}

/** A malformed escape stays as it is; such a name matches nothing and fails the name rules. */
function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
