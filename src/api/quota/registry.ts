/**
 * The evaluator of each resource. Resources that a client never creates as objects of a namespace are not counted.
 * @source pkg/quota/v1/install/registry.go, evaluator/core/registry.go, v1.35
 */
import { claimEvaluator } from './claim-evaluator.ts';
import { objectCountEvaluator, type QuotaEvaluator } from './evaluator.ts';
import { podEvaluator } from './pod-evaluator.ts';
import { serviceEvaluator } from './service-evaluator.ts';

/** Resources of the core group that had a name in quotas before everything could be counted. */
const aliases: ReadonlySet<string> = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

const ignored: ReadonlySet<string> = new Set([
  'bindings',
  'componentstatuses',
  'tokenreviews.authentication.k8s.io',
  'selfsubjectreviews.authentication.k8s.io',
  'subjectaccessreviews.authorization.k8s.io',
  'selfsubjectaccessreviews.authorization.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'events',
  'events.events.k8s.io',
]);

/** Undefined for what quotas ignore. The caller gives each evaluator only objects of its own resource. */
export function quotaEvaluatorFor({ group, plural }: { readonly group: string; readonly plural: string }): QuotaEvaluator | undefined {
  if (ignored.has(group === '' ? plural : `${plural}.${group}`)) return undefined;
  if (group !== '') return objectCountEvaluator(group, plural);
  switch (plural) {
    case 'pods':
      return podEvaluator as QuotaEvaluator;
    case 'services':
      return serviceEvaluator as QuotaEvaluator;
    case 'persistentvolumeclaims':
      return claimEvaluator as QuotaEvaluator;
    default:
      return objectCountEvaluator(group, plural, aliases.has(plural) ? plural : undefined);
  }
}
