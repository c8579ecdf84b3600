/** The API as data: types of every kind, handles on every resource, errors, quantities, selectors. */
export type * from './gen/index.ts';
export * from './gen/resources.ts';
export type { Draft, JsonArray, JsonObject, JsonValue, KubeList, KubeObject, Unsaved } from './object.ts';
export { apiVersionOf, resourcePath, type ResourceRef } from './resource-ref.ts';
export * from './errors.ts';
export type { PrinterColumn, ResourceDefinition, Strategy, StrategyContext, SubresourceDefinition, Verb } from './resource-definition.ts';
