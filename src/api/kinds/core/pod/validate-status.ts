/** What may be written to a pod's status. @source pkg/apis/core/validation/validation.go ValidatePodStatusUpdate, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, duplicate, forbidden, invalidValue } from '../../../field-errors.ts';
import type { Container, ContainerStatus, Pod } from '../../../gen/core-v1.ts';
import { ipErrors, ipFamilyOf } from '../../../ip.ts';
import { dns1123SubdomainErrors, qualifiedNameErrors } from '../../../names.ts';
import { immutableField } from '../../immutable.ts';
import { idErrors } from './validate-security.ts';
import { annotationErrors } from './validate-update.ts';

const statusLists = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;
const systemConditions = new Set(['PodScheduled', 'Ready', 'Initialized']);

export function validatePodStatus(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const { spec, status } = pod;
  annotationErrors(pod, old, errors);
  for (const [i, { type, observedGeneration = 0 }] of (status.conditions ?? []).entries()) {
    errors.push(...generationErrors(`status.conditions[${i}].observedGeneration`, observedGeneration));
    if (!systemConditions.has(type)) addInvalid(errors, `status.conditions[${i}].Type`, type ?? '', qualifiedNameErrors(type ?? ''));
  }
  const nominated = status.nominatedNodeName;
  if (nominated && nominated !== old.status.nominatedNodeName) {
    addInvalid(errors, 'status.nominatedNodeName', nominated, dns1123SubdomainErrors(nominated));
    if (old.spec.nodeName) {
      errors.push(forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'));
    }
  }
  errors.push(...generationErrors('status.observedGeneration', status.observedGeneration ?? 0));
  errors.push(...immutableField('status.qosClass', status.qosClass, old.status.qosClass));
  transitionErrors('containerStatuses', { pod, old, containers: old.spec.containers }, errors);
  transitionErrors('initContainerStatuses', { pod, old, containers: old.spec.initContainers }, errors);
  transitionErrors('ephemeralContainerStatuses', { pod, old, containers: undefined }, errors);
  claimStatusErrors(pod, errors);
  addressErrors(status.podIPs ?? [], 'status.podIPs', errors);
  hostAddressErrors(pod, errors);
  for (const list of statusLists) userErrors(status[list], { path: `status.${list}`, os: spec.os?.name ?? 'linux' }, errors);
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

type StatusList = (typeof statusLists)[number];

/** A container that has ended for good does not come back; nor does one that the spec does not name. */
function transitionErrors(
  list: StatusList,
  { pod, old, containers }: { readonly pod: Pod; readonly old: Pod; readonly containers: readonly Container[] | undefined },
  errors: FieldError[],
): void {
  for (const [i, { name, state }] of (old.status[list] ?? []).entries()) {
    if (!state?.terminated) continue;
    const now = pod.status[list]?.find((status) => status.name === name && !status.state?.terminated);
    const container = containers?.find((one) => one.name === name);
    if (!now || (container && restartsAfter(container, old.spec.restartPolicy, state.terminated.exitCode ?? 0))) continue;
    errors.push(forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'));
  }
}

/** By the container's own rules and policy where it has some, otherwise by the pod's. */
function restartsAfter({ restartPolicy, restartPolicyRules }: Container, podPolicy: string | undefined, exitCode: number): boolean {
  const ruled = (restartPolicyRules ?? []).some(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === 'NotIn' ? !listed : listed;
  });
  const policy = restartPolicy ?? podPolicy;
  return ruled || (policy === 'OnFailure' ? exitCode !== 0 : policy !== 'Never');
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

function userErrors(
  statuses: readonly ContainerStatus[] | undefined,
  { path, os }: { readonly path: string; readonly os: string },
  errors: FieldError[],
): void {
  for (const [i, { user }] of (statuses ?? []).entries()) {
    const at = `${path}[${i}].user.linux`;
    if (!user?.linux) continue;
    if (os === 'windows') errors.push(forbidden(at, 'cannot be set for a windows pod'));
    if (os !== 'linux') continue;
    const { uid, gid, supplementalGroups = [] } = user.linux;
    errors.push(...idErrors(`${at}.uid`, uid), ...idErrors(`${at}.gid`, gid));
    for (const [j, group] of supplementalGroups.entries()) errors.push(...idErrors(`${at}.supplementalGroups[${j}]`, group));
  }
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
