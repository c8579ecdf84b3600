/**
 * The checks that the restricted level adds: a pod gives up what it does not need.
 * @source pod-security-admission policy/check_*.go, v1.35
 */
import type { corev1 } from '../../../api/index.ts';
import { seccompProfileBaseline } from './baseline-checks.ts';
import { badContainers, type Check, containerList, containersOf, distinct, plural, quoted, settersOf, textOf } from './finding.ts';

/** What a Windows container cannot set is not asked of it. */
export function unlessWindows(check: Check): Check {
  return (pod) => (pod.spec.os?.name === 'windows' ? undefined : check(pod));
}

/** Root in a user namespace of its own is nobody on the node. */
export function unlessUserNamespace(check: Check): Check {
  return (pod) => (pod.spec.hostUsers === false ? undefined : check(pod));
}

export const allowPrivilegeEscalation: Check = ({ spec }) => {
  const names = badContainers(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (names.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containerList(names)} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

export const capabilitiesRestricted: Check = ({ spec }) => {
  const keepers = badContainers(spec, ({ securityContext }) => !(securityContext?.capabilities?.drop ?? []).includes('ALL'));
  const added = ({ securityContext }: ReturnType<typeof containersOf>[number]): string[] =>
    (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE');
  const adders = badContainers(spec, (container) => added(container).length > 0);
  const capabilities = distinct(containersOf(spec).flatMap(added));
  const details = [
    ...(keepers.length > 0 ? [`${containerList(keepers)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adders.length > 0 ? [`${containerList(adders)} must not include ${quoted(capabilities)} in securityContext.capabilities.add`] : []),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const;
/** Every other source that a volume can have. */
const otherVolumes = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
] as const;

export const restrictedVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => allowedVolumes.every((source) => volume[source] === undefined));
  if (bad.length === 0) return undefined;
  const types = distinct(bad.map((volume) => otherVolumes.find((source) => volume[source] !== undefined) ?? 'unknown'));
  const names = `${plural(bad.length, 'volume', 'volumes')} ${quoted(bad.map(({ name }) => textOf(name)))}`;
  const what = plural(types.length, 'restricted volume type', 'restricted volume types');
  return { reason: 'restricted volume types', detail: `${names} ${plural(bad.length, 'uses', 'use')} ${what} ${quoted(types)}` };
};

export const runAsNonRoot: Check = ({ spec }) => {
  const reason = 'runAsNonRoot != true';
  const ofPod = spec.securityContext?.runAsNonRoot;
  const setters = settersOf(
    ofPod === false,
    badContainers(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false),
  );
  if (setters !== '') return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  const silent = ofPod === true ? [] : badContainers(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  return silent.length === 0 ? undefined : { reason, detail: `pod or ${containerList(silent)} must set securityContext.runAsNonRoot=true` };
};

export const runAsUser: Check = ({ spec }) => {
  const setters = settersOf(
    spec.securityContext?.runAsUser === 0,
    badContainers(spec, ({ securityContext }) => securityContext?.runAsUser === 0),
  );
  return setters === '' ? undefined : { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` };
};

export const seccompProfileRestricted: Check = (pod) => {
  // What is set to a bad value is told as the baseline tells it.
  const explicit = seccompProfileBaseline(pod);
  if (explicit) return explicit;
  const profileOf = ({ securityContext }: { readonly securityContext?: corev1.SecurityContext | corev1.PodSecurityContext }): unknown =>
    securityContext?.seccompProfile;
  const silent = profileOf(pod.spec) !== undefined ? [] : badContainers(pod.spec, (container) => profileOf(container) === undefined);
  if (silent.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${containerList(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};
