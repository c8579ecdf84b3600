/**
 * Validation of a pod's spec, wherever it stands. The order is upstream's, so that messages come in the same order.
 * @source pkg/apis/core/validation/validation.go ValidatePodSpec, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, duplicate, invalidValue, required } from '../../../field-errors.ts';
import type { PodResourceClaim, PodSpec } from '../../../gen/core-v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, inclusiveRangeError, qualifiedNameErrors } from '../../../names.ts';
import { validateLabels } from '../../../object-meta.ts';
import { goStruct } from '../../go-struct.ts';
import type { PodRules } from './pod-rules.ts';
import { validateAffinity } from './validate-affinity.ts';
import type { ContainerContext } from './validate-container.ts';
import { validateEnvFiles } from './validate-env.ts';
import { validateEphemeralContainers, validateInitContainers, validateRegularContainers } from './validate-containers.ts';
import {
  validateDnsConfig,
  validateDnsPolicy,
  validateHostAliases,
  validateHostnameOverride,
  validateHostNames,
} from './validate-names.ts';
import { validatePodLevelResources, validateResourceList } from './validate-resources.ts';
import { validateSchedulingGates, validateSpreadConstraints, validateTolerations } from './validate-scheduling.ts';
import { validateHostUsers, validatePodSecurity } from './validate-security.ts';
import { validateVolumes } from './validate-volumes.ts';
import { validateHostProcess, validateOs } from './validate-windows.ts';

export const maxInt32 = 0x7fffffff;

export interface SpecSubject {
  readonly spec: PodSpec;
  readonly path: string;
  readonly rules: PodRules;
}

export function validatePodSpec({ spec, path, rules }: SpecSubject, errors: FieldError[]): void {
  if (spec.terminationGracePeriodSeconds === undefined) errors.push(required(`${path}.terminationGracePeriodSeconds`));
  const volumes = validateVolumes(spec.volumes ?? [], { path: `${path}.volumes`, rules }, errors);
  const claims = spec.resourceClaims ?? [];
  if (claims.length > 0) validateResourceClaims(claims, `${path}.resourceClaims`, errors);
  const pod: ContainerContext = {
    volumes,
    claimNames: new Set(claims.map(({ name }) => name).filter((name) => name !== '')),
    gracePeriod: spec.terminationGracePeriodSeconds,
    podRestartPolicy: spec.restartPolicy ?? '',
    hostUsers: spec.hostUsers !== false,
  };
  validateRegularContainers({ spec, path, pod }, errors);
  validateInitContainers({ spec, path, pod }, errors);
  validateEphemeralContainers({ spec, path, pod }, errors);
  validatePodLevelResources(spec, `${path}.resources`, errors);
  if (spec.hostNetwork) validateHostNetworkPorts({ spec, path, rules }, errors);
  if (!spec.restartPolicy) errors.push(required(`${path}.restartPolicy`));
  else addUnsupported(errors, `${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
  validateDnsPolicy(spec, path, errors);
  if (spec.nodeSelector) validateLabels(spec.nodeSelector, `${path}.nodeSelector`, errors);
  validatePodSecurity(spec, path, errors);
  if (spec.affinity) validateAffinity(spec.affinity, `${path}.affinity`, errors);
  validateDnsConfig(spec, path, errors);
  for (const [i, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    addInvalid(errors, `${path}.readinessGates[${i}].conditionType`, conditionType, qualifiedNameErrors(conditionType ?? ''));
  }
  if (spec.schedulingGates) validateSchedulingGates(spec.schedulingGates, `${path}.schedulingGates`, errors);
  if (spec.topologySpreadConstraints) {
    validateSpreadConstraints(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`, errors);
  }
  validateHostProcess(spec, path, errors);
  validateHostUsers(spec, path, errors);
  validateHostnameOverride(spec, path, errors);
  validateReferences(spec, path, errors);
  validateHostNames(spec, path, errors);
  if (spec.tolerations) validateTolerations(spec.tolerations, `${path}.tolerations`, errors);
  validateHostAliases(spec, path, errors);
  validatePriority(spec, path, errors);
  if (spec.overhead) validateResourceList(spec.overhead, `${path}.overhead`, errors);
  validateOs(spec, path, errors);
  validateEnvFiles(spec, path, errors);
}

function validateReferences({ serviceAccountName, nodeName, activeDeadlineSeconds }: PodSpec, path: string, errors: FieldError[]): void {
  if (serviceAccountName) addInvalid(errors, `${path}.serviceAccountName`, serviceAccountName, dns1123SubdomainErrors(serviceAccountName));
  if (nodeName) addInvalid(errors, `${path}.nodeName`, nodeName, dns1123SubdomainErrors(nodeName));
  if (activeDeadlineSeconds !== undefined && (activeDeadlineSeconds < 1 || activeDeadlineSeconds > maxInt32)) {
    errors.push(invalidValue(`${path}.activeDeadlineSeconds`, activeDeadlineSeconds, inclusiveRangeError(1, maxInt32)));
  }
}

function validatePriority({ priorityClassName, runtimeClassName, preemptionPolicy }: PodSpec, path: string, errors: FieldError[]): void {
  if (priorityClassName) addInvalid(errors, `${path}.priorityClassName`, priorityClassName, dns1123SubdomainErrors(priorityClassName));
  if (runtimeClassName !== undefined)
    addInvalid(errors, `${path}.runtimeClassName`, runtimeClassName, dns1123SubdomainErrors(runtimeClassName));
  if (preemptionPolicy === ('' as string)) errors.push(required(`${path}.preemptionPolicy`));
  else if (preemptionPolicy !== undefined) {
    addUnsupported(errors, `${path}.preemptionPolicy`, preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  }
}

/** On the host's network a container's port is the host's port. A template may leave it open. */
function validateHostNetworkPorts({ spec, path, rules }: SpecSubject, errors: FieldError[]): void {
  for (const [i, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [j, { hostPort = 0, containerPort }] of ports.entries()) {
      if ((rules.isPod || hostPort !== 0) && hostPort !== containerPort) {
        const at = `${path}.containers[${i}].ports[${j}].hostPort`;
        errors.push(invalidValue(at, hostPort, 'must match `containerPort` when `hostNetwork` is true'));
      }
    }
  }
}

function validateResourceClaims(claims: readonly PodResourceClaim[], path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, claim] of claims.entries()) {
    const at = `${path}[${i}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    const shown = goStruct(claim, ['name', 'resourceClaimName', 'resourceClaimTemplateName']);
    if (!name) errors.push(required(`${at}.name`));
    else if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    else addInvalid(errors, `${at}.name`, name, dns1123LabelErrors(name));
    seen.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.push(invalidValue(at, shown, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(invalidValue(at, shown, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      if (claim[field] !== undefined) addInvalid(errors, `${at}.${field}`, claim[field], dns1123SubdomainErrors(claim[field]));
    }
  }
}
