/**
 * The door of OpenAPI: `/openapi/v3` with one document a group and version, and `/openapi/v2` with everything in one.
 * @source kube-openapi pkg/handler, pkg/handler3
 */
import { ApiError, metricsv1beta1Resources, type ResourceDefinition, schedulingKnarrResources } from '../../api/index.ts';
import type { ExtensionFactory, RestEndpoint } from '../extension.ts';
import type { ApiResponse, RequestContext } from '../request.ts';
import { notFoundAt } from '../discovery/index.ts';
import { type DocumentName, OpenApiDocuments, type OpenApiSource, type PackedDocument, unpacked } from './documents.ts';

export type { OpenApiSource } from './documents.ts';

export interface OpenApiOptions {
  /** Loaded when the first document is asked for, so that a server that nobody asks does not pay for it. */
  readonly source: () => Promise<OpenApiSource>;
  readonly serverVersion: string;
}

export const openApiPaths: readonly string[] = ['/openapi/v2', '/openapi/v3', '/openapi/v3/'];

const json = 'application/json';
/** As sent, and as clients may ask for it. */
const protobufV2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const protobufV2Names: ReadonlySet<string> = new Set([protobufV2, 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf']);
const oneYearSeconds = 365 * 24 * 3600;

/** The schema is Kubernetes' own: it has no types of `metrics.k8s.io` and of Knarr's own groups. */
function isDescribed({ group }: ResourceDefinition): boolean {
  return group !== metricsv1beta1Resources.nodes.group && group !== schedulingKnarrResources.schedulingExplanations.group;
}

export function openApiExtension(options: OpenApiOptions): ExtensionFactory {
  return ({ registry }) => {
    let source: Promise<OpenApiSource> | undefined;
    let current: OpenApiDocuments | undefined;
    const documents = async (): Promise<OpenApiDocuments> => {
      source ??= options.source();
      const loaded = await source;
      const described = registry.definitions.filter(isDescribed);
      if (!current?.describes(described)) current = new OpenApiDocuments(loaded, described);
      return current;
    };
    const get = (path: string, handle: RestEndpoint['handle']): RestEndpoint => ({ path, methods: ['GET', 'HEAD'], handle });
    const index = async (): Promise<ApiResponse> => {
      const known = await documents();
      const paths = Object.fromEntries(
        known.paths().map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${known.hashOf(path, options.serverVersion)}` }]),
      );
      return { type: 'bytes', status: 200, contentType: json, body: JSON.stringify({ paths }) };
    };
    return {
      endpoints: [
        get('/openapi/v2', async (ctx) => {
          const name = acceptedV2(ctx.header('accept'));
          const document = await (await documents()).packed(name);
          return answer(ctx, document, { contentType: name.type === 'v2' ? json : protobufV2, etag: document.hash });
        }),
        get('/openapi/v3', index),
        get('/openapi/v3/', index),
        get('/openapi/v3/*', async (ctx) => {
          const known = await documents();
          const path = ctx.info.path.slice('/openapi/v3/'.length).replace(/\/$/, '');
          if (!known.paths().includes(path)) throw notFoundAt();
          requireJson(ctx.header('accept'));
          const hash = known.hashOf(path, options.serverVersion);
          const asked = ctx.info.query.get('hash');
          if (asked !== undefined && asked !== hash) return moved(`/openapi/v3/${path}?hash=${hash}`);
          const document = await known.packed({ type: 'v3', path });
          return answer(ctx, document, { contentType: json, etag: hash, ...(asked !== undefined && { immutable: true }) });
        }),
      ],
    };
  };
}

async function answer(
  ctx: RequestContext,
  document: PackedDocument,
  form: { readonly contentType: string; readonly etag: string; readonly immutable?: boolean },
): Promise<ApiResponse> {
  const { contentType } = form;
  const etag = `"${form.etag}"`;
  const headers = { ETag: etag, Vary: 'Accept-Encoding, Accept', 'Cache-Control': cacheControl(form.immutable === true) };
  if (ctx.header('if-none-match') === etag) return { type: 'bytes', status: 304, contentType, body: '', headers };
  if (/\bgzip\b/.test(ctx.header('accept-encoding') ?? '')) {
    return { type: 'bytes', status: 200, contentType, body: document.gzipped, headers: { ...headers, 'Content-Encoding': 'gzip' } };
  }
  return { type: 'bytes', status: 200, contentType, body: await unpacked(document), headers };
}

/** A document under its hash never changes; under its plain name it may, and the tag tells. */
function cacheControl(immutable: boolean): string {
  return immutable ? `public, immutable, max-age=${oneYearSeconds}` : 'public';
}

function moved(location: string): ApiResponse {
  return { type: 'bytes', status: 301, contentType: 'text/plain', body: '', headers: { Location: location } };
}

/** @throws ApiError NotAcceptable */
function acceptedV2(accept: string | undefined): DocumentName {
  for (const type of acceptedTypes(accept)) {
    if (protobufV2Names.has(type)) return { type: 'v2-protobuf' };
    if (isJson(type)) return { type: 'v2' };
  }
  throw notAcceptable([json, protobufV2]);
}

/** @throws ApiError NotAcceptable */
function requireJson(accept: string | undefined): void {
  if (!acceptedTypes(accept).some(isJson)) throw notAcceptable([json]);
}

function acceptedTypes(accept: string | undefined): string[] {
  if (!accept) return [json];
  return accept.split(',').map((entry) => entry.split(';', 1)[0]!.trim().toLowerCase());
}

function isJson(type: string): boolean {
  return type === json || type === 'application/*' || type === '*/*';
}

function notAcceptable(types: readonly string[]): ApiError {
  const message = `only the following media types are accepted: ${types.join(', ')}`;
  return new ApiError({ code: 406, reason: 'NotAcceptable', message });
}
