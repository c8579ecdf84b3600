/** What PodSecurity decided, under upstream's names. @source pod-security-admission metrics/metrics.go, v1.35 */
import { Counter, type Registry } from '../../../base/index.ts';
import type { AdmissionRequest } from '../../admission.ts';
import type { LevelVersion, Mode } from './policy.ts';

/** The minor version of this server: later policies are of the future. */
const ownMinor = 35;

export class PodSecurityMetrics {
  readonly #evaluations: Counter;
  readonly #exemptions: Counter;
  readonly #errors: Counter;
  /** What most pods of most clusters count as; finding a counter by its labels costs more than counting. */
  readonly #unrestricted = new Map<string, Counter.Internal>();

  constructor(registry: Registry) {
    const registers = [registry];
    const request = ['request_operation', 'resource', 'subresource'];
    this.#evaluations = new Counter({
      name: 'pod_security_evaluations_total',
      help: 'Policy evaluations, without requests that are ignored or exempt.',
      labelNames: ['decision', 'policy_level', 'policy_version', 'mode', ...request],
      registers,
    });
    this.#exemptions = new Counter({
      name: 'pod_security_exemptions_total',
      help: 'Requests that are exempt.',
      labelNames: request,
      registers,
    });
    this.#errors = new Counter({
      name: 'pod_security_errors_total',
      help: 'Errors that kept a policy from being evaluated; when they are not fatal, the restricted level may have been used instead.',
      labelNames: ['fatal', ...request],
      registers,
    });
  }

  evaluated(
    request: AdmissionRequest,
    outcome: { readonly decision: 'allow' | 'deny'; readonly mode: Mode; readonly policy: LevelVersion },
  ): void {
    const { decision, mode, policy } = outcome;
    this.#evaluations.inc({ decision, policy_level: policy.level, policy_version: versionLabel(policy), mode, ...requestLabels(request) });
  }

  /** A pod of a namespace that asks nothing. */
  unrestricted(request: AdmissionRequest): void {
    const key = `${request.operation}/${request.subresource}`;
    let counter = this.#unrestricted.get(key);
    if (!counter) {
      const outcome = { decision: 'allow', policy_level: 'privileged', policy_version: 'latest', mode: 'enforce' };
      counter = this.#evaluations.labels({ ...outcome, ...requestLabels(request) });
      this.#unrestricted.set(key, counter);
    }
    counter.inc();
  }

  exempted(request: AdmissionRequest): void {
    this.#exemptions.inc(requestLabels(request));
  }

  failed(request: AdmissionRequest, fatal: boolean): void {
    this.#errors.inc({ fatal: String(fatal), ...requestLabels(request) });
  }
}

function versionLabel({ level, version }: LevelVersion): string {
  if (version === 'latest' || level === 'privileged') return 'latest';
  return version > ownMinor ? 'future' : `v1.${version}`;
}

function requestLabels({ operation, resource, subresource }: AdmissionRequest): Record<string, string> {
  const kinds: Readonly<Record<string, string>> = { pods: 'pod', namespaces: 'namespace' };
  return {
    request_operation: operation.toLowerCase(),
    resource: (resource.group === '' && kinds[resource.plural]) || 'controller',
    subresource,
  };
}
