/** The API as data: types of every kind, handles on every resource, errors, quantities, selectors. */
export type * from './gen/index.ts';
export * from './gen/resources.ts';
export type { Draft, JsonArray, JsonObject, JsonValue, KubeList, KubeObject, Unsaved } from './object.ts';
export { apiVersionOf, resourcePath, type ResourceRef } from './resource-ref.ts';
export * from './errors.ts';
export type {
  CertificateChecks,
  PrinterColumn,
  RequestingUser,
  ResourceDefinition,
  Strategy,
  StrategyContext,
  SubresourceDefinition,
  Verb,
} from './resource-definition.ts';
export * from './conditions.ts';
export * from './cron-schedule.ts';
export * from './default-class.ts';
export * from './duration.ts';
export * from './feature-gates.ts';
export * as fieldErrors from './field-errors.ts';
export * from './field-selector.ts';
export * from './go-text.ts';
export * from './in-use-finalizers.ts';
export * from './int-or-string.ts';
export * from './address-pool.ts';
export * from './ip.ts';
export * from './label-selector.ts';
export * from './label-selector-parser.ts';
export * from './local-path.ts';
export * from './names.ts';
export * from './node-selector.ts';
export * from './owner-references.ts';
export * from './persistent-volumes.ts';
export * from './pod-references.ts';
export * from './pod-resources.ts';
export * from './pod-status.ts';
export * from './qos.ts';
export * from './quantity.ts';
export * from './taints.ts';
export * from './scheduling-explanation.ts';
export * from './usage-metrics.ts';
export * from './object-meta.ts';
