/** Warnings about a pod, or a template of one, that is accepted. @source pkg/api/pod/warnings.go, v1.35 */
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Volume,
  VolumeProjection,
} from '../../../gen/core-v1.ts';
import { goQuote } from '../../../go-text.ts';
import { ipWarnings } from '../../../ip.ts';
import { dns1123LabelErrors } from '../../../names.ts';
import { tryParseQuantity } from '../../../quantity.ts';
import { sameJson } from '../../immutable.ts';
import { nodeLabelDeprecation, nodeTermWarnings } from '../node-label-warnings.ts';
import { allContainers, type PlacedContainer } from './containers.ts';

type Annotations = Readonly<Record<string, string>>;

/** Humans hardly ever update pods, so only creation warns. */
export function podWarnings({ metadata, spec }: Pod, old: Pod | undefined): string[] {
  if (old) return [];
  const faults = dns1123LabelErrors(metadata.name ?? '');
  const hostname = "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
  return [...(faults.length > 0 ? [`${hostname}: [${faults.join(' ')}]`] : []), ...specWarnings(spec, metadata.annotations ?? {}, '')];
}

/** Warnings for the template of a workload; an unchanged template does not warn again. */
export function podTemplateWarnings(template: PodTemplateSpec, old: PodTemplateSpec | undefined, path: string): string[] {
  if (!template.spec || (old && sameJson(template, old))) return [];
  return specWarnings(template.spec, template.metadata?.annotations ?? {}, `${path}.`);
}

/** The warning about a workload whose pods cannot have its name as host name. */
export function workloadNameWarnings(name: string): string[] {
  const faults = dns1123LabelErrors(name);
  const advice =
    'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended';
  return faults.length > 0 ? [`${advice}: [${faults.join(' ')}]`] : [];
}

/** @param prefix empty for a pod, `spec.template.` for a template */
function specWarnings(spec: PodSpec, annotations: Annotations, prefix: string): string[] {
  const warnings: string[] = [];
  labelWarnings(spec, prefix, warnings);
  for (const [key, message] of deprecatedAnnotations) {
    if (Object.hasOwn(annotations, key)) warnings.push(`${prefix}metadata.annotations[${key}]: ${message}`);
  }
  for (const [i, volume] of (spec.volumes ?? []).entries()) volumeWarnings(volume, `${prefix}spec.volumes[${i}]`, warnings);
  tokenPathWarnings(spec, prefix, warnings);
  listWarnings(spec, prefix, warnings);
  fractionWarnings(spec.overhead, `${prefix}spec.overhead`, warnings);
  const containers = allContainers(spec, `${prefix}spec`);
  seccompWarnings({ spec, annotations, containers, prefix }, warnings);
  for (const { container, path } of containers) {
    fractionWarnings(container.resources?.limits, `${path}.resources.limits`, warnings);
    fractionWarnings(container.resources?.requests, `${path}.resources.requests`, warnings);
    envWarnings(container, path, warnings);
  }
  portWarnings(containers, warnings);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(`${prefix}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`);
  }
  affinityWarnings(spec, prefix, warnings);
  return warnings;
}

const deprecatedAnnotations: readonly (readonly [string, string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
];

function labelWarnings(spec: PodSpec, prefix: string, warnings: string[]): void {
  for (const key in spec.nodeSelector) {
    const message = nodeLabelDeprecation(key);
    if (message !== undefined) warnings.push(`${prefix}spec.nodeSelector[${key}]: ${message}`);
  }
  const affinity = spec.affinity?.nodeAffinity;
  const base = `${prefix}spec.affinity.nodeAffinity`;
  const terms = [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).map((term, i) => ({
      term,
      path: `${base}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`,
    })),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ preference }, i) => ({
      term: preference ?? {},
      path: `${base}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`,
    })),
  ];
  for (const { term, path } of terms) warnings.push(...nodeTermWarnings(term, path));
  for (const [i, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const path = `${prefix}spec.topologySpreadConstraints[${i}]`;
    const message = nodeLabelDeprecation(topologyKey);
    if (message !== undefined) warnings.push(`${path}.topologyKey: ${topologyKey} is ${message}`);
    if (!labelSelector) warnings.push(`${path}.labelSelector: a null labelSelector results in matching no pod`);
  }
}

function affinityWarnings({ affinity }: PodSpec, prefix: string, warnings: string[]): void {
  const warn = (path: string): unknown => warnings.push(`${path}.labelSelector: a null labelSelector results in matching no pod`);
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const at = `${prefix}spec.affinity.${field}`;
    for (const [i, term] of (affinity?.[field]?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (!term.labelSelector) warn(`${at}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`);
    }
    for (const [i, { podAffinityTerm }] of (affinity?.[field]?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (!podAffinityTerm?.labelSelector) warn(`${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`);
    }
  }
}

/** Projected files that hide a token, or that it hides; upstream names them without the index of their source. */
function tokenPathWarnings({ volumes = [] }: PodSpec, prefix: string, warnings: string[]): void {
  const sourcesOf = ({ projected }: Volume): readonly VolumeProjection[] => projected?.sources ?? [];
  const tokens = new Set(volumes.flatMap(sourcesOf).flatMap(({ serviceAccountToken }) => serviceAccountToken?.path ?? []));
  if (tokens.size === 0) return;
  for (const [i, volume] of volumes.entries()) {
    const warn = (where: string, path: string): void => {
      if (!tokens.has(path)) return;
      const at = `${prefix}spec.volumes[${i}].projected.sources.${where}`;
      warnings.push(`${at}: has duplicated path with ServiceAccountToken ${goQuote(path)}`);
    };
    for (const { configMap, secret, downwardAPI, clusterTrustBundle } of sourcesOf(volume)) {
      for (const [j, { path }] of (configMap?.items ?? []).entries()) warn(`configMap[${j}]`, path);
      for (const [j, { path }] of (secret?.items ?? []).entries()) warn(`secrets[${j}]`, path);
      for (const [j, { path }] of (downwardAPI?.items ?? []).entries()) warn(`downwardAPI[${j}]`, path);
      if (clusterTrustBundle) warn('ClusterTrustBundle', clusterTrustBundle.path);
    }
  }
}

const deprecatedVolumes: readonly (readonly [keyof Volume, string])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

function volumeWarnings(volume: Volume, path: string, warnings: string[]): void {
  for (const [field, message] of deprecatedVolumes) {
    if (volume[field] !== undefined) warnings.push(`${path}.${field === 'storageos' ? 'storageOS' : field}: ${message}`);
  }
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec?.resources;
  const at = `${path}.ephemeral.volumeClaimTemplate.spec.resources`;
  for (const what of ['requests', 'limits'] as const) fractionWarnings(claim?.[what], `${at}.${what}`, warnings, ['storage']);
}

/** Entries that hide one another, and addresses that are written oddly. */
function listWarnings(spec: PodSpec, prefix: string, warnings: string[]): void {
  const addresses = new Set<string>();
  for (const [i, { ip }] of (spec.hostAliases ?? []).entries()) {
    const path = `${prefix}spec.hostAliases[${i}].ip`;
    if (addresses.has(ip)) warnings.push(`${path}: duplicate ip ${goQuote(ip)}`);
    addresses.add(ip);
    warnings.push(...ipWarnings(path, ip));
  }
  const secrets = new Set<string>();
  for (const [i, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    const path = `${prefix}spec.imagePullSecrets[${i}].name`;
    if (secrets.has(name)) warnings.push(`${path}: duplicate name ${goQuote(name)}`);
    secrets.add(name);
    if (name === '') warnings.push(`${path}: invalid empty name ${goQuote(name)}`);
  }
  for (const [i, server] of (spec.dnsConfig?.nameservers ?? []).entries()) {
    warnings.push(...ipWarnings(`${prefix}spec.dnsConfig.nameservers[${i}]`, server));
  }
}

function fractionWarnings(
  list: Readonly<Record<string, string>> | undefined,
  path: string,
  warnings: string[],
  names: readonly string[] = ['memory', 'ephemeral-storage'],
): void {
  for (const name of names) {
    const text = list?.[name];
    const amount = text === undefined ? undefined : tryParseQuantity(text);
    if (amount && isFraction(amount.milliValue())) {
      warnings.push(`${path}[${name}]: fractional byte value ${goQuote(amount.toString())} is invalid, must be an integer`);
    }
  }
}

const isFraction = (millis: number): boolean => millis % 1000 !== 0;

interface Profiles {
  readonly spec: PodSpec;
  readonly annotations: Annotations;
  readonly containers: readonly PlacedContainer[];
  readonly prefix: string;
}

function seccompWarnings({ spec, annotations, containers, prefix }: Profiles, warnings: string[]): void {
  const advice = 'non-functional in v1.27+; use the "seccompProfile" field instead';
  const podKey = 'seccomp.security.alpha.kubernetes.io/pod';
  if (!spec.securityContext?.seccompProfile && Object.hasOwn(annotations, podKey)) {
    warnings.push(`${prefix}metadata.annotations[${podKey}]: ${advice}`);
  }
  for (const { container } of containers) {
    const key = `container.seccomp.security.alpha.kubernetes.io/${container.name}`;
    if (!container.securityContext?.seccompProfile && Object.hasOwn(annotations, key)) {
      warnings.push(`${prefix}metadata.annotations[${key}]: ${advice}`);
    }
    const appArmor = `container.apparmor.security.beta.kubernetes.io/${container.name}`;
    const field = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    if (!field && Object.hasOwn(annotations, appArmor)) {
      warnings.push(`${prefix}metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
    }
  }
}

/** A second value for a variable is fine only when it is built on the first. */
function envWarnings({ env = [] }: Container | EphemeralContainer, path: string, warnings: string[]): void {
  const seen = new Set<string>();
  for (const [i, { name, value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    if (seen.has(name) && (valueFrom || value === reference || !value.includes(reference))) {
      warnings.push(`${path}.env[${i}]: hides previous definition of ${goQuote(name)}, which may be dropped when using apply`);
    }
    seen.add(name);
  }
}

function portWarnings(containers: readonly PlacedContainer[], warnings: string[]): void {
  const seen = new Map<string, { port: ContainerPort; path: string }[]>();
  for (const { container, path: at } of containers) {
    for (const [i, port] of (container.ports ?? []).entries()) {
      const path = `${at}.ports[${i}]`;
      if (port.hostIP && !port.hostPort) warnings.push(`${path}: hostIP set without hostPort: ${goPort(port)}`);
      const key = `${port.containerPort}/${port.protocol}`;
      const others = seen.get(key) ?? [];
      for (const other of others) {
        const relation = portRelation(port, other.port);
        if (relation) warnings.push(`${path}: ${relation} port definition with ${other.path}`);
      }
      seen.set(key, [...others, { port, path }]);
    }
  }
}

function portRelation(a: ContainerPort, b: ContainerPort): string | undefined {
  const [ipA, ipB, portA, portB] = [a.hostIP ?? '', b.hostIP ?? '', a.hostPort ?? 0, b.hostPort ?? 0];
  if (ipA === ipB && portA === portB) return 'duplicate';
  if (portA === 0 || portB === 0) return 'overlapping';
  return portA === portB && (ipA === '') !== (ipB === '') ? 'dangerously ambiguous' : undefined;
}

function goPort({ name = '', hostPort = 0, containerPort, protocol = 'TCP', hostIP = '' }: ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
}
