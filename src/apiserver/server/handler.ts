/**
 * The end of the handler chain: find what is asked for, run the verb. HTTP and the in-process transport both end here, so whatever
 * holds for one holds for the other. What a request passes before stands in `../filters`.
 */
import { ApiError, methodNotSupported, type ResourceDefinition, type SubresourceDefinition, type Verb } from '../../api/index.ts';
import type { WatchOpener } from '../cache/watch-opener.ts';
import type { SubresourceHandlers, SubresourceTarget } from '../extension.ts';
import type { ResourceTable } from '../registry/registry.ts';
import type { StorageDeps } from '../registry/storage-deps.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { RequestInfo } from '../request.ts';
import type { Answer } from '../verbs/answer.ts';
import { type BodyKind, bodyDecoder, parseBody } from '../verbs/body.ts';
import { writeOptions } from '../verbs/options.ts';
import { patchScale, patchVerb } from '../verbs/patch.ts';
import { getObject, listObjects, watchObjects } from '../verbs/read.ts';
import { getScale, updateScale } from '../verbs/scale.ts';
import type { VerbRequest } from '../verbs/verb-request.ts';
import { createVerb, deleteCollectionVerb, deleteVerb, updateVerb } from '../verbs/write.ts';
import type { EndpointTable } from './endpoint-table.ts';
import type { Incoming } from './incoming.ts';
import { upstreamKind } from './upstream-kinds.ts';

export interface HandlerOptions {
  readonly deps: StorageDeps;
  readonly table: ResourceTable;
  readonly watches: WatchOpener;
  readonly endpoints: EndpointTable;
  readonly subresources: SubresourceHandlers;
  /** What must hold before a fenced request is begun. @throws ApiError Conflict */
  readonly checkFence: (fence: string) => void;
}

export class ApiHandler {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  /** Relies on the filters: the request is allowed. @throws ApiError */
  answer(incoming: Incoming): Promise<Answer> | Answer {
    return incoming.info.isResourceRequest ? this.#resource(incoming) : this.#endpoint(incoming);
  }

  #endpoint(incoming: Incoming): Promise<Answer> {
    const endpoint = this.#options.endpoints.find(incoming.info.path);
    if (!endpoint) throw notServed();
    if (!endpoint.methods.includes(incoming.method)) throw methodNotAllowed();
    return endpoint.handle(incoming.context());
  }

  #resource(incoming: Incoming): Promise<Answer> | Answer {
    const { info } = incoming;
    const { table, checkFence, subresources } = this.#options;
    const definition = table.definition(info.apiGroup, info.version, info.resource);
    if (!definition) return this.#unknownResource(incoming);
    if (definition.deprecation !== undefined) {
      incoming.warn(definition.deprecation);
      incoming.audit?.annotate('k8s.io/deprecated', 'true');
    }
    checkScope(definition, info);
    if (incoming.fence !== undefined && incoming.method !== 'GET') checkFence(incoming.fence);
    const view = table.view(definition);
    if (!view && info.subresource === '' && !definition.verbs.includes(info.verb as Verb)) throw methodNotAllowed();
    if (info.subresource !== '' || !view) {
      const subresource = definition.subresources.find(({ name }) => name === info.subresource);
      if (!subresource && view) throw notServed();
      const handler = subresources[handlerKey(info)];
      if (handler && subresource?.handler !== 'status' && subresource?.handler !== 'scale') {
        // OPTIONS is no verb of the API; backends that are proxied to may answer it.
        if (subresource && info.verb !== 'options' && !subresource.verbs.includes(info.verb as Verb)) throw methodNotAllowed();
        return handler(incoming.context(), this.#target(definition, subresource, incoming));
      }
      if (!view || !subresource) throw notServed(`${info.resource} has no handler`);
      return this.#subresource(view, subresource, incoming);
    }
    return this.#verb(view, incoming);
  }

  #verb(view: ResourceView, incoming: Incoming): Promise<Answer> | Answer {
    const { deps, watches } = this.#options;
    const { verb, name } = incoming.info;
    const request = verbRequest(view, incoming);
    if (!view.definition.verbs.includes(verb as Verb)) throw refusedVerb(view.definition, verb);
    switch (verb as Verb) {
      case 'get':
        return getObject(deps, request);
      case 'list':
        return listObjects(deps, { ...request, name: '' });
      case 'watch':
        return watchObjects(deps, watches, request);
      case 'create':
        if (name !== '') throw methodNotAllowed();
        return createVerb(deps, request);
      case 'update':
        if (name === '') throw methodNotAllowed();
        return updateVerb(deps, request);
      case 'patch':
        if (name === '') throw methodNotAllowed();
        return patchVerb(deps, request);
      case 'delete':
        return deleteVerb(deps, request);
      default:
        return deleteCollectionVerb(deps, request);
    }
  }

  /** Subresources that the core itself serves. */
  #subresource(view: ResourceView, subresource: SubresourceDefinition, incoming: Incoming): Promise<Answer> {
    const { deps } = this.#options;
    const { verb } = incoming.info;
    const request = verbRequest(view, incoming);
    if (!subresource.verbs.includes(verb as Verb)) throw refusedVerb(view.definition, verb);
    if (subresource.handler === 'scale' && subresource.scale) {
      if (verb === 'get') return getScale(deps, request, subresource.scale);
      return verb === 'patch' ? patchScale(deps, request, subresource.scale) : updateScale(deps, request, subresource.scale);
    }
    if (subresource.handler !== 'status') throw notServed(`${view.definition.plural}/${subresource.name} is not built yet`);
    if (verb === 'get') return getObject(deps, request);
    return verb === 'patch' ? patchVerb(deps, request) : updateVerb(deps, request);
  }

  #target(definition: ResourceDefinition, subresource: SubresourceDefinition | undefined, incoming: Incoming): SubresourceTarget {
    const { info } = incoming;
    const optionsKind = incoming.method === 'POST' ? 'CreateOptions' : 'UpdateOptions';
    const options = writeOptions(info.query, optionsKind, incoming.userAgent);
    const kind = subresourceKind(definition, subresource);
    return {
      resource: definition,
      namespace: definition.namespaced ? info.namespace : '',
      name: info.name,
      op: incoming,
      options,
      decodeBody: async () => bodyDecoder(parseBody(await incoming.readBody(), kind, this.#options.deps), kind, options, incoming)(),
    };
  }

  /** A path below a group that no resource stands at. */
  #unknownResource(incoming: Incoming): Promise<Answer> {
    const { info } = incoming;
    const endpoint = this.#options.endpoints.find(info.path);
    if (endpoint && endpoint.methods.includes(incoming.method) && info.resource === '') return endpoint.handle(incoming.context());
    // It is turned off: nothing is missing.
    if (this.#options.table.isKnown(info.apiGroup, info.version, info.resource)) throw notServed();
    const kind = upstreamKind(info.apiGroup, info.version, info.resource);
    throw notServed(kind && `${kind} of ${info.apiGroup === '' ? '' : `${info.apiGroup}/`}${info.version} is not built yet`);
  }
}

function verbRequest(view: ResourceView, incoming: Incoming): VerbRequest {
  const { info, userAgent } = incoming;
  return {
    view,
    namespace: view.definition.namespaced ? info.namespace : '',
    name: info.name,
    subresource: info.subresource,
    query: info.query,
    userAgent,
    op: incoming,
    body: () => incoming.readBody(),
  };
}

/** Objects of a namespace live below it, all others do not. */
function checkScope(definition: ResourceDefinition, info: RequestInfo): void {
  const { namespace, resource, verb } = info;
  if (definition.namespaced) {
    if (namespace !== '' || verb === 'list' || verb === 'watch') return;
    throw verb === 'create' || verb === 'deletecollection' ? methodNotAllowed() : notServed();
  }
  if (namespace !== '' && resource !== 'namespaces') throw notServed();
}

function handlerKey({ resource, apiGroup, subresource }: RequestInfo): string {
  const name = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  return subresource === '' ? name : `${name}/${subresource}`;
}

function subresourceKind(definition: ResourceDefinition, subresource: SubresourceDefinition | undefined): BodyKind {
  const own = subresource?.kind;
  if (!own) return { ...definition, applyDefaults: definition.strategy.applyDefaults };
  const group = own.group === '' ? 'core' : own.group.split('.')[0]!;
  return { ...own, schema: `io.k8s.api.${group}.${own.version}.${own.kind}` };
}

/** @param why said after upstream's sentence, when there is more to say */
export function notServed(why?: string): ApiError {
  const sentence = 'the server could not find the requested resource';
  return new ApiError({ code: 404, reason: 'NotFound', message: why ? `${sentence}: ${why}` : sentence, details: {} });
}

function refusedVerb(definition: ResourceDefinition, verb: string): ApiError {
  return methodNotSupported({ group: definition.group, resource: definition.plural }, verb);
}

function methodNotAllowed(): ApiError {
  return new ApiError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}
