/**
 * Security contexts of pods and containers. @source pkg/apis/core/validation/validation.go ValidateSecurityContext,
 * validatePodSpecSecurityContext, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addUnsupported, duplicate, forbidden, invalidValue, notSupported, required, tooLong } from '../../../field-errors.ts';
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext, Sysctl } from '../../../gen/core-v1.ts';
import { inclusiveRangeError } from '../../../names.ts';
import { goStruct } from '../../go-struct.ts';
import { allContainers } from './containers.ts';
import { descendingPathErrors } from './path-rules.ts';
import { validateWindowsOptions } from './validate-windows.ts';

const maxId = 0x7fffffff;

/** Of a user or a group. */
export function idErrors(path: string, id: number | undefined): FieldError[] {
  return id !== undefined && (id < 0 || id > maxId) ? [invalidValue(path, id, inclusiveRangeError(0, maxId))] : [];
}

export function validateContainerSecurity(
  security: SecurityContext,
  rule: { readonly path: string; readonly hostUsers: boolean },
  errors: FieldError[],
): void {
  const { path } = rule;
  errors.push(...idErrors(`${path}.runAsUser`, security.runAsUser), ...idErrors(`${path}.runAsGroup`, security.runAsGroup));
  if (security.procMount !== undefined) {
    addUnsupported(errors, `${path}.procMount`, security.procMount, ['Default', 'Unmasked']);
    if (rule.hostUsers && security.procMount === 'Unmasked') {
      errors.push(invalidValue(`${path}.procMount`, security.procMount, '`hostUsers` must be false to use `Unmasked`'));
    }
  }
  validateSeccomp(security.seccompProfile, `${path}.seccompProfile`, errors);
  if (security.allowPrivilegeEscalation === false) {
    if (security.privileged) {
      errors.push(invalidValue(path, goSecurity(security), 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    }
    if (security.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      const detail = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
      errors.push(invalidValue(path, goSecurity(security), detail));
    }
  }
  validateWindowsOptions(security.windowsOptions, `${path}.windowsOptions`, errors);
  validateAppArmor(security.appArmorProfile, `${path}.appArmorProfile`, errors);
}

/** As Go prints its own structure, in which everything is a pointer. */
function goSecurity(security: SecurityContext): unknown {
  const { seLinuxOptions: selinux, windowsOptions: windows, capabilities } = security;
  const orNull = (value: unknown): unknown => value ?? null;
  return {
    Capabilities: capabilities ? goStruct(capabilities, ['add', 'drop']) : null,
    Privileged: orNull(security.privileged),
    SELinuxOptions: selinux
      ? { User: selinux.user ?? '', Role: selinux.role ?? '', Type: selinux.type ?? '', Level: selinux.level ?? '' }
      : null,
    WindowsOptions: windows
      ? {
          GMSACredentialSpecName: orNull(windows.gmsaCredentialSpecName),
          GMSACredentialSpec: orNull(windows.gmsaCredentialSpec),
          RunAsUserName: orNull(windows.runAsUserName),
          HostProcess: orNull(windows.hostProcess),
        }
      : null,
    RunAsUser: orNull(security.runAsUser),
    RunAsGroup: orNull(security.runAsGroup),
    RunAsNonRoot: orNull(security.runAsNonRoot),
    ReadOnlyRootFilesystem: orNull(security.readOnlyRootFilesystem),
    AllowPrivilegeEscalation: orNull(security.allowPrivilegeEscalation),
    ProcMount: orNull(security.procMount),
    SeccompProfile: security.seccompProfile ? goStruct(security.seccompProfile, ['type', 'localhostProfile']) : null,
    AppArmorProfile: security.appArmorProfile ? goStruct(security.appArmorProfile, ['type', 'localhostProfile']) : null,
  };
}

export function validatePodSecurity(spec: PodSpec, path: string, errors: FieldError[]): void {
  const { securityContext: security } = spec;
  const at = `${path}.securityContext`;
  if (security) {
    errors.push(...idErrors(`${at}.fsGroup`, security.fsGroup), ...idErrors(`${at}.runAsUser`, security.runAsUser));
    errors.push(...idErrors(`${at}.runAsGroup`, security.runAsGroup));
    for (const [i, gid] of (security.supplementalGroups ?? []).entries()) errors.push(...idErrors(`${at}.supplementalGroups[${i}]`, gid));
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.push(invalidValue(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  }
  if (!security) return;
  if (security.sysctls) validateSysctls(security.sysctls, { path: `${at}.sysctls`, spec }, errors);
  if (security.fsGroupChangePolicy !== undefined) {
    addUnsupported(errors, `${at}.fsGroupChangePolicy`, security.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  }
  validateSeccomp(security.seccompProfile, `${at}.seccompProfile`, errors);
  validateWindowsOptions(security.windowsOptions, `${at}.windowsOptions`, errors);
  validateAppArmor(security.appArmorProfile, `${at}.appArmorProfile`, errors);
  if (security.supplementalGroupsPolicy !== undefined) {
    addUnsupported(errors, `${at}.supplementalGroupsPolicy`, security.supplementalGroupsPolicy, ['Merge', 'Strict']);
  }
  if (security.seLinuxChangePolicy !== undefined) {
    addUnsupported(errors, `${at}.seLinuxChangePolicy`, security.seLinuxChangePolicy, ['MountOption', 'Recursive']);
  }
}

const sysctlPattern = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const sysctlName = new RegExp(sysctlPattern);
const maxSysctlLength = 253;

function validateSysctls(
  sysctls: readonly Sysctl[],
  { path, spec }: { readonly path: string; readonly spec: PodSpec },
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, { name }] of sysctls.entries()) {
    const at = `${path}[${i}].name`;
    if (!name) errors.push(required(at));
    else if (name.length > maxSysctlLength || !sysctlName.test(name)) {
      errors.push(invalidValue(at, name, `must have at most ${maxSysctlLength} characters and match regex ${sysctlPattern}`));
    } else if (seen.has(name)) errors.push(duplicate(at, name));
    const namespace = sysctlNamespace(name ?? '');
    if (spec.hostNetwork && namespace === 'net') errors.push(invalidValue(at, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC && namespace === 'ipc') errors.push(invalidValue(at, name, "may not be specified when 'hostIPC' is true"));
    seen.add(name);
  }
}

const ipcSysctls = new Set(['kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced']);

function sysctlNamespace(name: string): 'net' | 'ipc' | undefined {
  const dotted = name.replaceAll('/', '.');
  if (dotted.startsWith('net.')) return 'net';
  return ipcSysctls.has(dotted) || dotted.startsWith('kernel.msg') || dotted.startsWith('fs.mqueue.') ? 'ipc' : undefined;
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateSeccomp(profile: SeccompProfile | undefined, path: string, errors: FieldError[]): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  if (!type) errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'));
  else addUnsupported(errors, `${path}.type`, type, profileTypes);
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.push(required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost'));
    } else errors.push(...descendingPathErrors(`${path}.localhostProfile`, localhostProfile));
  } else if (localhostProfile !== undefined) {
    const shown = goStruct(profile, ['type', 'localhostProfile']);
    errors.push(invalidValue(`${path}.localhostProfile`, shown, 'can only be set when seccomp type is Localhost'));
  }
}

const maxProfilePath = 4095;

function validateAppArmor(profile: AppArmorProfile | undefined, path: string, errors: FieldError[]): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  switch (type) {
    case 'Localhost':
      if (localhostProfile !== undefined && localhostProfile.trim() !== localhostProfile) {
        errors.push(invalidValue(at, localhostProfile, 'must not be padded with whitespace'));
      } else if (!localhostProfile) errors.push(required(at, 'must be set when AppArmor type is Localhost'));
      if ((localhostProfile ?? '').length > maxProfilePath) errors.push(tooLong(at, maxProfilePath));
      return;
    case 'RuntimeDefault':
    case 'Unconfined':
      if (localhostProfile !== undefined)
        errors.push(invalidValue(at, localhostProfile, 'can only be set when AppArmor type is Localhost'));
      return;
    default:
      errors.push(
        type ? notSupported(`${path}.type`, type, profileTypes) : required(`${path}.type`, 'type is required when appArmorProfile is set'),
      );
  }
}

/** A pod with users of its own shares nothing else with the node. */
export function validateHostUsers(spec: PodSpec, path: string, errors: FieldError[]): void {
  if (spec.hostUsers !== false) return;
  const detail = 'when `hostUsers` is false';
  if (spec.hostNetwork) errors.push(forbidden(`${path}.hostNetwork`, detail));
  if (spec.hostPID) errors.push(forbidden(`${path}.HostPID`, detail));
  if (spec.hostIPC) errors.push(forbidden(`${path}.HostIPC`, detail));
  for (const { container, path: at } of allContainers(spec, path)) {
    if (container.volumeDevices?.length) errors.push(forbidden(`${at}.volumeDevices`, detail));
  }
}
