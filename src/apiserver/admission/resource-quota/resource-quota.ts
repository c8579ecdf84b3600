/**
 * ResourceQuota admission: no write takes more than the quotas of its namespace leave. The last of all plugins, so that nothing is
 * charged for what another would have refused. In a namespace without quotas it costs one look into a map.
 * @source apiserver pkg/admission/plugin/resourcequota/admission.go, v1.35
 */
import { corev1Resources, type KubeObject, type ResourceDefinition } from '../../../api/index.ts';
import { type QuotaEvaluator, quotaEvaluatorFor } from '../../../api/quota/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission.ts';
import type { ApiServerHost } from '../../extension.ts';
import { NamespaceIndex } from '../namespace-index.ts';
import { refusal } from '../refusal.ts';
import type { ResourceQuotaConfiguration } from './configuration.ts';
import { QuotaLedger } from './ledger.ts';

const operations: ReadonlySet<string> = new Set(['CREATE', 'UPDATE']);

export function resourceQuotaPlugin(
  host: Pick<ApiServerHost, 'registry' | 'clock' | 'signal'>,
  { limitedResources }: ResourceQuotaConfiguration = { limitedResources: [] },
): AdmissionPlugin {
  const { registry, clock, signal } = host;
  const quotas = new NamespaceIndex(corev1Resources.resourcequotas);
  const ledger = new QuotaLedger({ registry, quotas, limited: limitedResources, now: () => clock.now(), signal });
  const evaluators = new Map<ResourceDefinition, QuotaEvaluator | undefined>();
  const evaluatorOf = (resource: ResourceDefinition): QuotaEvaluator | undefined => {
    if (!evaluators.has(resource)) evaluators.set(resource, quotaEvaluatorFor(resource));
    return evaluators.get(resource);
  };

  const charge = async (request: AdmissionRequest, evaluator: QuotaEvaluator): Promise<void> => {
    const { operation, namespace, options } = request;
    const why = await ledger.charge({
      operation,
      namespace,
      evaluator,
      // Nothing changes a draft after validating admission has begun.
      object: request.object as KubeObject,
      oldObject: request.oldObject,
      dryRun: options.dryRun === true,
    });
    if (why !== undefined) throw refusal(request, why);
  };

  return {
    name: 'ResourceQuota',
    handles: (resource, operation) => resource.namespaced && operations.has(operation) && evaluatorOf(resource) !== undefined,
    validate: (request) => {
      const found = quotas.of(request.namespace);
      if (!found && limitedResources.length === 0) return undefined;
      const evaluator = evaluatorOf(request.resource);
      if (!evaluator?.handles(request)) return undefined;
      const isLimited = found?.some(({ status }) => Object.keys(status.hard ?? {}).some((name) => evaluator.matchesResource(name)));
      return isLimited || limitedResources.length > 0 ? charge(request, evaluator) : undefined;
    },
    start: () => quotas.start(host),
  };
}
