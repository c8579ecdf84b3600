/** The OpenAPI 3 document of one group version. @source kube-openapi pkg/builder3 */
import type { JsonObject, JsonValue } from '../object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { Definitions } from './definitions.ts';
import { openApi3 } from './dialect.ts';
import { definitionOf, operationsOf, pathParameters, type OperationDescription } from './operations.ts';
import { answerDescriptions, documentInfo, groupVersionsOf, objectMediaTypes } from './shared-parts.ts';

/** @param path of the group version, such as `api/v1` or `apis/apps/v1` */
export function openApiV3(resources: readonly ResourceDefinition[], path: string, serverVersion: string): JsonObject {
  const own = resources.filter(({ group, version }) => path === (group === '' ? `api/${version}` : `apis/${group}/${version}`));
  const definitions = new Definitions(openApi3, groupVersionsOf(resources));
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const operation of operationsOf(own)) {
    const item = (paths[operation.path] ??= { parameters: pathParameters(operation.path).map(pathParameter) });
    item[operation.method] = renderOperation(operation, definitions);
  }
  for (const resource of own) {
    const definition = definitionOf(resource);
    if (definition !== undefined) definitions.reference(definition);
  }
  return {
    openapi: '3.0.0',
    info: documentInfo(serverVersion),
    paths,
    components: {
      schemas: definitions.all(),
      securitySchemes: { BearerToken: { type: 'apiKey', in: 'header', name: 'authorization' } },
    },
    security: [{ BearerToken: [] }],
  };
}

function pathParameter(name: string): JsonObject {
  return { name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } };
}

function renderOperation(operation: OperationDescription, definitions: Definitions): JsonObject {
  const { body } = operation;
  const content = (mediaTypes: readonly string[], definition: string): JsonObject =>
    Object.fromEntries(mediaTypes.map((type) => [type, { schema: definitions.reference(definition) }]));
  const answer = (definition: string | undefined): JsonObject =>
    definition === undefined
      ? { 'text/plain': { schema: { type: 'string' } } }
      : content(objectMediaTypes(operation.action === 'list'), definition);
  return {
    tags: [operation.tag],
    operationId: operation.operationId,
    ...(operation.query.length > 0 && {
      parameters: operation.query.map(({ name, type }) => ({ name, in: 'query', schema: { type, uniqueItems: true } })),
    }),
    ...(body && { requestBody: { content: content(body.mediaTypes, body.definition), ...(body.required && { required: true }) } }),
    responses: {
      ...Object.fromEntries(
        operation.answers.map(({ code, definition }) => [
          String(code),
          { description: answerDescriptions[code]!, content: answer(definition) },
        ]),
      ),
      '401': { description: answerDescriptions[401]! },
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { ...operation.kind },
  };
}
