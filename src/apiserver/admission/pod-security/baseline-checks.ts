/**
 * The checks of the baseline level: known ways of a pod to more than its own.
 * @source pod-security-admission policy/check_*.go, v1.35
 */
import type { corev1 } from '../../../api/index.ts';
import { badContainers, type Check, containerList, containersOf, distinct, plural, quoted, settersOf, textOf } from './finding.ts';

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

export const appArmorProfile: Check = ({ metadata, spec }) => {
  const bad: string[] = [];
  const isBad = (profile: corev1.AppArmorProfile | undefined): boolean => {
    if (!profile || profile.type === 'RuntimeDefault' || profile.type === 'Localhost') return false;
    bad.push(textOf(profile.type));
    return true;
  };
  const podDoes = isBad(spec.securityContext?.appArmorProfile);
  const setters = settersOf(
    podDoes,
    badContainers(spec, ({ securityContext }) => isBad(securityContext?.appArmorProfile)),
  );
  const isAllowed = (profile: string): boolean => profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/');
  const annotations = Object.entries(metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith(appArmorPrefix) && !isAllowed(value))
    .map(([key, value]) => `${key}="${value}"`)
    .sort();
  const who = [setters, annotations.length > 0 ? plural(annotations.length, 'annotation', 'annotations') : ''].filter(Boolean);
  if (who.length === 0) return undefined;
  const values = [...distinct(bad), ...annotations];
  return {
    reason: plural(values.length, 'forbidden AppArmor profile', 'forbidden AppArmor profiles'),
    detail: `${who.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

const defaultCapabilities: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

export const capabilitiesBaseline: Check = ({ spec }) => {
  const added = (container: ReturnType<typeof containersOf>[number]): string[] =>
    (container.securityContext?.capabilities?.add ?? []).filter((capability) => !defaultCapabilities.has(capability));
  const names = badContainers(spec, (container) => added(container).length > 0);
  if (names.length === 0) return undefined;
  const capabilities = distinct(containersOf(spec).flatMap(added));
  return {
    reason: 'non-default capabilities',
    detail: `${containerList(names)} must not include ${quoted(capabilities)} in securityContext.capabilities.add`,
  };
};

export const hostNamespaces: Check = ({ spec }) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
  return shared.length === 0 ? undefined : { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
};

export const hostPathVolumes: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => textOf(name));
  return names.length === 0
    ? undefined
    : { reason: 'hostPath volumes', detail: `${plural(names.length, 'volume', 'volumes')} ${quoted(names)}` };
};

export const hostPorts: Check = ({ spec }) => {
  const names = badContainers(spec, ({ ports }) => (ports ?? []).some(({ hostPort }) => Boolean(hostPort)));
  if (names.length === 0) return undefined;
  const used = containersOf(spec).flatMap(({ ports }) =>
    (ports ?? []).filter(({ hostPort }) => hostPort).map(({ hostPort }) => `${hostPort}`),
  );
  const ports = distinct(used);
  return {
    reason: 'hostPort',
    detail: `${containerList(names)} ${plural(names.length, 'uses', 'use')} ${plural(ports.length, 'hostPort', 'hostPorts')} ${ports.join(', ')}`,
  };
};

export const hostProbesAndHostLifecycle: Check = ({ spec }) => {
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: ReturnType<typeof containersOf>[number]): string[] =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host): host is string => host !== undefined && host !== '');
  const names = distinct(badContainers(spec, (container) => hostsOf(container).length > 0));
  if (names.length === 0) return undefined;
  const hosts = distinct(containersOf(spec).flatMap(hostsOf));
  const what = plural(hosts.length, 'probe or lifecycle host', 'probe or lifecycle hosts');
  return {
    reason: 'probe or lifecycle host',
    detail: `${containerList(names)} ${plural(names.length, 'uses', 'use')} ${what} ${quoted(hosts)}`,
  };
};

export const privileged: Check = ({ spec }) => {
  const names = badContainers(spec, ({ securityContext }) => securityContext?.privileged === true);
  return names.length === 0
    ? undefined
    : { reason: 'privileged', detail: `${containerList(names)} must not set securityContext.privileged=true` };
};

export const procMount: Check = ({ spec }) => {
  const types: string[] = [];
  const isBad = (type: string | undefined): boolean => {
    if (type === undefined || type === 'Default') return false;
    types.push(type);
    return true;
  };
  const names = badContainers(spec, ({ securityContext }) => isBad(securityContext?.procMount));
  if (names.length === 0) return undefined;
  return { reason: 'procMount', detail: `${containerList(names)} must not set securityContext.procMount to ${quoted(distinct(types))}` };
};

export function seLinuxOptions(allowedTypes: readonly string[]): Check {
  return ({ spec }) => {
    const types: string[] = [];
    let [setsUser, setsRole] = [false, false];
    const isBad = (options: corev1.SELinuxOptions | undefined): boolean => {
      const { type = '', user = '', role = '' } = options ?? {};
      const isBadType = type !== '' && !allowedTypes.includes(type);
      if (isBadType) types.push(type);
      if (user !== '') setsUser = true;
      if (role !== '') setsRole = true;
      return isBadType || user !== '' || role !== '';
    };
    const podDoes = isBad(spec.securityContext?.seLinuxOptions);
    const setters = settersOf(
      podDoes,
      badContainers(spec, ({ securityContext }) => isBad(securityContext?.seLinuxOptions)),
    );
    if (setters === '') return undefined;
    const bad = distinct(types);
    const what = [
      ...(bad.length > 0 ? [`${plural(bad.length, 'type', 'types')} ${quoted(bad)}`] : []),
      ...(setsUser ? ['user may not be set'] : []),
      ...(setsRole ? ['role may not be set'] : []),
    ];
    return { reason: 'seLinuxOptions', detail: `${setters} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` };
  };
}

const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';

/** Policies before v1.19 knew annotations only. */
export const seccompAnnotations: Check = ({ metadata, spec }) => {
  const isAllowed = (profile: string): boolean =>
    profile === 'runtime/default' || profile === 'docker/default' || profile.startsWith('localhost/');
  const keys = [seccompPodAnnotation, ...containersOf(spec).map(({ name }) => `${seccompContainerPrefix}${name}`)];
  const bad = keys.flatMap((key) => {
    const value = metadata?.annotations?.[key];
    return value === undefined || isAllowed(value) ? [] : [`${key}="${value}"`];
  });
  const forbidden = distinct(bad);
  if (forbidden.length === 0) return undefined;
  return { reason: 'seccompProfile', detail: `forbidden ${plural(forbidden.length, 'annotation', 'annotations')} ${forbidden.join(', ')}` };
};

export const seccompProfileBaseline: Check = ({ spec }) => {
  const bad: string[] = [];
  const isBad = (profile: corev1.SeccompProfile | undefined): boolean => {
    if (!profile || profile.type === 'RuntimeDefault' || profile.type === 'Localhost') return false;
    bad.push(textOf(profile.type));
    return true;
  };
  const podDoes = isBad(spec.securityContext?.seccompProfile);
  const setters = settersOf(
    podDoes,
    badContainers(spec, ({ securityContext }) => isBad(securityContext?.seccompProfile)),
  );
  if (setters === '') return undefined;
  return {
    reason: 'seccompProfile',
    detail: `${setters} must not set securityContext.seccompProfile.type to ${quoted(distinct(bad))}`,
  };
};

export function sysctls(allowed: readonly string[]): Check {
  return ({ spec }) => {
    const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => textOf(name)).filter((name) => !allowed.includes(name));
    return names.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: names.join(', ') };
  };
}

export const windowsHostProcess: Check = ({ spec }) => {
  const setters = settersOf(
    spec.securityContext?.windowsOptions?.hostProcess === true,
    badContainers(spec, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true),
  );
  return setters === ''
    ? undefined
    : { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` };
};
