/**
 * The OpenAPI documents of a server, made from the schema and the table of what it serves. Building takes some ten milliseconds and
 * memory, so whoever serves them keeps the bytes.
 */
import type { JsonObject } from '../object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { openApiV2 } from './document-v2.ts';
import { openApiV3 } from './document-v3.ts';
import { openApiV2Protobuf } from './protobuf-v2.ts';

export { openApiV2, openApiV2Protobuf, openApiV3 };

export interface OpenApiDocumentSource {
  /** @param path of the group version, such as `api/v1` or `apis/apps/v1` */
  v3(resources: readonly ResourceDefinition[], path: string): JsonObject;
  v2(resources: readonly ResourceDefinition[]): JsonObject;
  /** `v2` as the protobuf message `openapi.v2.Document`. */
  v2Protobuf(resources: readonly ResourceDefinition[]): Uint8Array;
}

/** @param options.serverVersion as `/version` says it, such as `v1.35.0+knarr.1.0.0` */
export function createOpenApiSource({ serverVersion }: { readonly serverVersion: string }): OpenApiDocumentSource {
  return {
    v3: (resources, path) => openApiV3(resources, path, serverVersion),
    v2: (resources) => openApiV2(resources, serverVersion),
    v2Protobuf: (resources) => openApiV2Protobuf(openApiV2(resources, serverVersion)),
  };
}
