/** What may be written to a pod's status. @source pkg/apis/core/validation/validation.go ValidatePodStatusUpdate, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, duplicate, forbidden, invalidValue } from '../../../field-errors.ts';
import type { Container, ContainerStatus, Pod, PodSpec } from '../../../gen/core-v1.ts';
import { ipErrors, ipFamilyOf } from '../../../ip.ts';
import { dns1123SubdomainErrors, qualifiedNameErrors } from '../../../names.ts';
import { isSidecar } from '../../../pod-status.ts';
import { immutableField } from '../../immutable.ts';
import { annotationErrors } from './validate-update.ts';

const systemConditions = new Set(['PodScheduled', 'Ready', 'Initialized']);

export function validatePodStatus(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const { spec, status } = pod;
  annotationErrors(pod, old, errors);
  for (const [i, { type, observedGeneration = 0 }] of (status.conditions ?? []).entries()) {
    errors.push(...generationErrors(`status.conditions[${i}].observedGeneration`, observedGeneration));
    if (!systemConditions.has(type)) addInvalid(errors, `status.conditions[${i}].Type`, type, qualifiedNameErrors(type ?? ''));
  }
  const nominated = status.nominatedNodeName;
  if (nominated && nominated !== old.status.nominatedNodeName) {
    addInvalid(errors, 'status.nominatedNodeName', nominated, dns1123SubdomainErrors(nominated));
  }
  errors.push(...generationErrors('status.observedGeneration', status.observedGeneration ?? 0));
  errors.push(...immutableField('status.qosClass', status.qosClass, old.status.qosClass));
  const restartPolicy = old.spec.restartPolicy ?? '';
  transitionErrors('containerStatuses', { pod, old, restartPolicy }, errors);
  transitionErrors('initContainerStatuses', { pod, old, restartPolicy }, errors);
  transitionErrors('ephemeralContainerStatuses', { pod, old, restartPolicy: 'Never' }, errors);
  claimStatusErrors(pod, errors);
  addressErrors(status.podIPs ?? [], 'status.podIPs', errors);
  hostAddressErrors(pod, errors);
  allocationErrors(status.containerStatuses, { path: 'status.containerStatuses', containers: spec.containers ?? [] }, errors);
  allocationErrors(status.initContainerStatuses, { path: 'status.initContainerStatuses', containers: spec.initContainers ?? [] }, errors);
  for (const [i, { allocatedResourcesStatus }] of (status.ephemeralContainerStatuses ?? []).entries()) {
    if (allocatedResourcesStatus?.length) {
      const path = `status.ephemeralContainerStatuses[${i}].allocatedResourcesStatus`;
      errors.push(forbidden(path, 'must not be specified in container status'));
    }
  }
  return errors;
}

function generationErrors(path: string, generation: number): FieldError[] {
  return generation < 0 ? [invalidValue(path, generation, 'must be a non-negative integer')] : [];
}

type StatusList = 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses';

/** A container that has ended for good does not come back. */
function transitionErrors(
  list: StatusList,
  { pod, old, restartPolicy }: { readonly pod: Pod; readonly old: Pod; readonly restartPolicy: string },
  errors: FieldError[],
): void {
  if (restartPolicy === 'Always') return;
  for (const [i, before] of (old.status[list] ?? []).entries()) {
    const ended = before.state?.terminated;
    if (!ended || mayRestart(before, old.spec, restartPolicy)) continue;
    if (ended.exitCode !== 0 && restartPolicy === 'OnFailure') continue;
    const now = pod.status[list]?.find(({ name }) => name === before.name);
    if (now && !now.state?.terminated) {
      errors.push(forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'));
    }
  }
}

/** Sidecars, and containers with a restart policy of their own. */
function mayRestart({ name, state }: ContainerStatus, spec: PodSpec, podPolicy: string): boolean {
  const container = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].find((one) => one.name === name);
  if (!container) return false;
  if (isSidecar(container)) return true;
  const policy = container.restartPolicy ?? podPolicy;
  const exitCode = state?.terminated?.exitCode ?? 0;
  const ruled = (container.restartPolicyRules ?? []).some(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === 'NotIn' ? !listed : listed;
  });
  return ruled || (policy === 'OnFailure' && exitCode !== 0);
}

function claimStatusErrors({ spec, status }: Pod, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, { name, resourceClaimName }] of (status.resourceClaimStatuses ?? []).entries()) {
    const path = `status.resourceClaimStatuses[${i}].name`;
    if (!spec.resourceClaims?.some((claim) => claim.name === name)) {
      errors.push(invalidValue(path, name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    if (seen.has(name)) errors.push(duplicate(path, name));
    seen.add(name);
    if (resourceClaimName !== undefined) addInvalid(errors, path, resourceClaimName, dns1123SubdomainErrors(resourceClaimName));
  }
}

function addressErrors(addresses: readonly { readonly ip?: string }[], path: string, errors: FieldError[]): void {
  for (const [i, { ip = '' }] of addresses.entries()) errors.push(...ipErrors(`${path}[${i}]`, ip));
  if (addresses.length < 2) return;
  if (new Set(addresses.map(({ ip }) => ipFamilyOf(ip ?? ''))).size < 2 || addresses.length > 2) {
    const shown = addresses.map(({ ip = '' }) => ({ IP: ip }));
    errors.push(invalidValue(path, shown, 'may specify no more than one IP for each IP family'));
  }
}

function hostAddressErrors({ status }: Pod, errors: FieldError[]): void {
  const addresses = status.hostIPs ?? [];
  if (addresses.length === 0) return;
  if ((status.hostIP ?? '') !== addresses[0]!.ip) {
    errors.push(invalidValue('status.hostIPs[0].ip', addresses[0]!.ip, 'must be equal to `hostIP`'));
  }
  addressErrors(addresses, 'status.hostIPs', errors);
}

/** The health of devices: of resources that the container has, each device once. */
function allocationErrors(
  statuses: readonly ContainerStatus[] | undefined,
  { path, containers }: { readonly path: string; readonly containers: readonly Container[] },
  errors: FieldError[],
): void {
  for (const [i, { name, allocatedResourcesStatus = [] }] of (statuses ?? []).entries()) {
    const container = containers.find((one) => one.name === name);
    for (const [j, resource] of allocatedResourcesStatus.entries()) {
      const at = `${path}[${i}].allocatedResourcesStatus[${j}]`;
      const fault = container && allocatedNameFault(resource.name ?? '', container);
      if (fault) errors.push(invalidValue(`${at}.name`, resource.name ?? '', fault));
      const seen = new Set<string>();
      for (const [k, { resourceID, health }] of (resource.resources ?? []).entries()) {
        addUnsupported(errors, `${at}.resources[${k}].health`, health ?? '', ['Healthy', 'Unhealthy', 'Unknown']);
        if (seen.has(resourceID)) errors.push(duplicate(`${at}.resources[${k}].resourceID`, resourceID));
        seen.add(resourceID);
      }
    }
  }
}

function allocatedNameFault(name: string, { resources }: Container): string | undefined {
  if (name.startsWith('claim:')) {
    const known = (resources?.claims ?? []).some((claim) => name === `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`);
    const form = "'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
    return known ? undefined : `must match one of the container's resource claims in a format ${form}`;
  }
  return Object.hasOwn(resources?.requests ?? {}, name) ? undefined : "must match one of the container's resource requests";
}
