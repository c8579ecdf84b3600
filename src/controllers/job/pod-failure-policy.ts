/**
 * What a Job's `podFailurePolicy` says about one failed pod: the first rule that matches decides. Pure.
 * @source pkg/controller/job/pod_failure_policy.go, v1.35
 */
import type { batchv1, corev1 } from '../../api/index.ts';

type Rule = batchv1.PodFailurePolicyRule;
type ExitCodes = NonNullable<Rule['onExitCodes']>;

export interface FailureVerdict {
  /** Undefined: no rule matched. */
  readonly action?: Rule['action'];
  /** It counts towards the limits of failures. */
  readonly counts: boolean;
  /** Why the whole Job fails of it; only with `FailJob`. */
  readonly failJobMessage?: string;
}

export function matchFailurePolicy(policy: batchv1.PodFailurePolicy | undefined, pod: corev1.Pod): FailureVerdict {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const why = matchRule(rule, pod);
    if (why === undefined) continue;
    const { action } = rule;
    return {
      action,
      counts: action !== 'Ignore',
      ...(action === 'FailJob' && { failJobMessage: `${why} matching FailJob rule at index ${index}` }),
    };
  }
  return { counts: true };
}

/** What of the pod matches the rule, as the message begins; undefined when nothing does. */
function matchRule({ onExitCodes, onPodConditions }: Rule, { metadata, status }: corev1.Pod): string | undefined {
  const name = `${metadata.namespace}/${metadata.name}`;
  if (onExitCodes) {
    const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
    const container = statuses.find((one) => matchExitCode(onExitCodes, one));
    return container && `Container ${container.name} for pod ${name} failed with exit code ${container.state?.terminated?.exitCode}`;
  }
  const condition = status.conditions?.find((one) =>
    onPodConditions?.some(({ type, status: value }) => type === one.type && value === one.status),
  );
  return condition && `Pod ${name} has condition ${condition.type}`;
}

function matchExitCode({ containerName, operator, values }: ExitCodes, { name, state }: corev1.ContainerStatus): boolean {
  const code = state?.terminated?.exitCode;
  if (code === undefined || code === 0 || (containerName !== undefined && containerName !== name)) return false;
  return values.includes(code) === (operator === 'In');
}
