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
  /** What most pods of most clusters count as: numbers that the counter is told when somebody reads it. */
  readonly #unrestricted = new Map<string, { readonly labels: Record<string, string>; count: number }>();

  constructor(registry: Registry) {
    const registers = [registry];
    const request = ['request_operation', 'resource', 'subresource'];
    this.#evaluations = new Counter({
      name: 'pod_security_evaluations_total',
      help: 'Policy evaluations, without requests that are ignored or exempt.',
      labelNames: ['decision', 'policy_level', 'policy_version', 'mode', ...request],
      registers,
      collect: () => this.#tellUnrestricted(),
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
    const key = request.subresource === '' ? request.operation : `${request.operation}/${request.subresource}`;
    const known = this.#unrestricted.get(key);
    if (known) known.count++;
    else {
      const outcome = { decision: 'allow', policy_level: 'privileged', policy_version: 'latest', mode: 'enforce' };
      this.#unrestricted.set(key, { labels: { ...outcome, ...requestLabels(request) }, count: 1 });
    }
  }

  #tellUnrestricted(): void {
    for (const known of this.#unrestricted.values()) {
      this.#evaluations.inc(known.labels, known.count);
      known.count = 0;
    }
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
