/** The OpenAPI 2 document of everything that is served. @source kube-openapi pkg/builder */
import type { JsonObject, JsonValue } from '../object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { Definitions } from './definitions.ts';
import { openApi2 } from './dialect.ts';
import { definitionOf, operationsOf, pathParameters, type OperationDescription } from './operations.ts';
import { answerDescriptions, documentInfo, groupVersionsOf, objectMediaTypes } from './shared-parts.ts';

export function openApiV2(resources: readonly ResourceDefinition[], serverVersion: string): JsonObject {
  const definitions = new Definitions(openApi2, groupVersionsOf(resources));
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const operation of operationsOf(resources)) {
    const item = (paths[operation.path] ??= { parameters: pathParameters(operation.path).map(pathParameter) });
    item[operation.method] = renderOperation(operation, definitions);
  }
  for (const resource of resources) {
    const definition = definitionOf(resource);
    if (definition !== undefined) definitions.reference(definition);
  }
  return {
    swagger: '2.0',
    info: documentInfo(serverVersion),
    paths,
    definitions: definitions.all(),
    securityDefinitions: { BearerToken: { type: 'apiKey', in: 'header', name: 'authorization' } },
    security: [{ BearerToken: [] }],
  };
}

function pathParameter(name: string): JsonObject {
  return { uniqueItems: true, type: 'string', name, in: 'path', required: true };
}

function renderOperation(operation: OperationDescription, definitions: Definitions): JsonObject {
  const { body } = operation;
  const hasText = operation.answers.every(({ definition }) => definition === undefined);
  const query = operation.query.map(({ name, type }): JsonObject => ({ uniqueItems: true, type, name, in: 'query' }));
  const bodyParameter: JsonObject[] = body
    ? [{ name: 'body', in: 'body', schema: definitions.reference(body.definition), ...(body.required && { required: true }) }]
    : [];
  return {
    consumes: body?.mediaTypes ?? ['*/*'],
    produces: hasText ? ['text/plain'] : objectMediaTypes(operation.action === 'list'),
    schemes: ['https'],
    tags: [operation.tag],
    operationId: operation.operationId,
    parameters: [...bodyParameter, ...query],
    responses: {
      ...Object.fromEntries(
        operation.answers.map(({ code, definition }) => [
          String(code),
          {
            description: answerDescriptions[code]!,
            schema: definition === undefined ? { type: 'string' } : definitions.reference(definition),
          },
        ]),
      ),
      '401': { description: answerDescriptions[401]! },
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { ...operation.kind },
  };
}
