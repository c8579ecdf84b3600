/** What quotas count, for admission (which charges) and the controller (which counts again). Pure. */
export * from './amounts.ts';
export { isInScopes, objectCountName, type QuotaEvaluator, type QuotaWrite, type ScopeRequirement, scopesOf } from './evaluator.ts';
export { quotaEvaluatorFor } from './registry.ts';
