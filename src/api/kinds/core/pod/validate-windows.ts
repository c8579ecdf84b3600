/**
 * Fields for pods on Windows, which no node of ours runs but whose manifests are still checked as upstream does, and what
 * `spec.os` rules out. @source pkg/apis/core/validation/validation.go, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, forbidden, invalidValue, notSupported, required } from '../../../field-errors.ts';
import type { Container, PodSpec, WindowsSecurityContextOptions } from '../../../gen/core-v1.ts';
import { dns1123SubdomainErrors } from '../../../names.ts';
import { allContainers } from './containers.ts';

const maxCredentialSpecKib = 64;
const maxDomain = 256;
const maxUser = 104;
const netBiosDomain = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const dnsDomain = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);

export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: string, errors: FieldError[]): void {
  if (!options) return;
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined) {
    addInvalid(errors, `${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName, dns1123SubdomainErrors(gmsaCredentialSpecName));
  }
  if (gmsaCredentialSpec === '') {
    errors.push(invalidValue(`${path}.gmsaCredentialSpec`, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'));
  } else if (gmsaCredentialSpec !== undefined && gmsaCredentialSpec.length > maxCredentialSpecKib * 1024) {
    errors.push(
      invalidValue(`${path}.gmsaCredentialSpec`, gmsaCredentialSpec, `gmsaCredentialSpec size must be under ${maxCredentialSpecKib} KiB`),
    );
  }
  if (runAsUserName !== undefined) addInvalid(errors, `${path}.runAsUserName`, runAsUserName, userNameErrors(runAsUserName));
}

function userNameErrors(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  if (/\p{Cc}/u.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const errors: string[] = [];
  if (domain !== undefined) {
    if (domain.length >= maxDomain) errors.push(`runAsUserName's Domain length must be under ${maxDomain} characters`);
    if (!netBiosDomain.test(domain) && !dnsDomain.test(domain)) {
      errors.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
    }
  }
  if (user === '') errors.push("runAsUserName's User cannot be empty");
  else if (user.length > maxUser) errors.push(`runAsUserName's User length must not be longer than ${maxUser} characters`);
  if (/^[. ]+$/.test(user)) errors.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) errors.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  return errors;
}

/** Host process containers: all of a pod's or none, on the host's network. */
export function validateHostProcess(spec: PodSpec, path: string, errors: FieldError[]): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let [count, hostProcesses] = [0, 0];
  for (const { container, path: at } of allContainers(spec, path)) {
    count++;
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.push(invalidValue(`${at}.securityContext.windowsOptions.hostProcess`, own, detail));
    }
    if (own ?? ofPod) hostProcesses++;
  }
  if (hostProcesses === 0) return;
  if (hostProcesses !== count) {
    errors.push(invalidValue(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'));
  }
  if (!spec.hostNetwork) {
    errors.push(invalidValue(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers'));
  }
}

export function validateOs(spec: PodSpec, path: string, errors: FieldError[]): void {
  if (!spec.os) return;
  const { name } = spec.os;
  if (!name) errors.push(required(`${path}.os.name`));
  else if (name === 'linux') validateLinux(spec, path, errors);
  else if (name === 'windows') validateWindows(spec, path, errors);
  else errors.push(notSupported(`${path}.os`, name, ['linux', 'windows']));
}

function validateLinux(spec: PodSpec, path: string, errors: FieldError[]): void {
  const detail = 'windows options cannot be set for a linux pod';
  if (spec.securityContext?.windowsOptions) errors.push(forbidden(`${path}.securityContext.windowsOptions`, detail));
  for (const { container, path: at } of allContainers(spec, path)) {
    if (container.securityContext?.windowsOptions) errors.push(forbidden(`${at}.securityContext.windowsOptions`, detail));
  }
}

const notForWindowsPod: readonly (readonly [string, (spec: PodSpec) => unknown])[] = [
  ['securityContext.appArmorProfile', (spec) => spec.securityContext?.appArmorProfile],
  ['securityContext.seLinuxOptions', (spec) => spec.securityContext?.seLinuxOptions],
  ['hostUsers', (spec) => spec.hostUsers],
  ['hostPID', (spec) => spec.hostPID || undefined],
  ['hostIPC', (spec) => spec.hostIPC || undefined],
  ['securityContext.seccompProfile', (spec) => spec.securityContext?.seccompProfile],
  ['securityContext.fsGroup', (spec) => spec.securityContext?.fsGroup],
  ['securityContext.fsGroupChangePolicy', (spec) => spec.securityContext?.fsGroupChangePolicy],
  ['securityContext.sysctls', (spec) => spec.securityContext?.sysctls?.[0]],
  ['shareProcessNamespace', (spec) => spec.shareProcessNamespace],
  ['securityContext.runAsUser', (spec) => spec.securityContext?.runAsUser],
  ['securityContext.runAsGroup', (spec) => spec.securityContext?.runAsGroup],
  ['securityContext.supplementalGroups', (spec) => spec.securityContext?.supplementalGroups],
  ['securityContext.supplementalGroupsPolicy', (spec) => spec.securityContext?.supplementalGroupsPolicy],
  ['securityContext.seLinuxChangePolicy', (spec) => spec.securityContext?.seLinuxChangePolicy],
];
const notForWindowsContainer = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const satisfies readonly (keyof NonNullable<Container['securityContext']>)[];

function validateWindows(spec: PodSpec, path: string, errors: FieldError[]): void {
  const detail = 'cannot be set for a windows pod';
  for (const [field, read] of notForWindowsPod) if (read(spec) !== undefined) errors.push(forbidden(`${path}.${field}`, detail));
  for (const { container, path: at } of allContainers(spec, path)) {
    for (const field of notForWindowsContainer) {
      if (container.securityContext?.[field] !== undefined) errors.push(forbidden(`${at}.securityContext.${field}`, detail));
    }
  }
}
