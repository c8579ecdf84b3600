/**
 * `--enable-admission-plugins` and `--disable-admission-plugins`, by upstream's names.
 * @source kubernetes pkg/kubeapiserver/options/plugins.go; apiserver pkg/server/options/admission.go, v1.35
 */

const knownPlugins: ReadonlySet<string> = new Set([
  'AlwaysAdmit',
  'AlwaysDeny',
  'AlwaysPullImages',
  'CertificateApproval',
  'CertificateSigning',
  'CertificateSubjectRestriction',
  'ClusterTrustBundleAttest',
  'DefaultIngressClass',
  'DefaultStorageClass',
  'DefaultTolerationSeconds',
  'DenyServiceExternalIPs',
  'EventRateLimit',
  'ExtendedResourceToleration',
  'ImagePolicyWebhook',
  'LimitPodHardAntiAffinityTopology',
  'LimitRanger',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'NamespaceAutoProvision',
  'NamespaceExists',
  'NamespaceLifecycle',
  'NodeDeclaredFeatureValidator',
  'NodeRestriction',
  'OwnerReferencesPermissionEnforcement',
  'PersistentVolumeClaimResize',
  'PodNodeSelector',
  'PodSecurity',
  'PodTolerationRestriction',
  'PodTopologyLabels',
  'Priority',
  'ResourceQuota',
  'RuntimeClass',
  'ServiceAccount',
  'StorageObjectInUseProtection',
  'TaintNodesByCondition',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
]);

/** Those of them that cannot be turned on. */
const unbuiltPlugins: ReadonlySet<string> = new Set([
  'ClusterTrustBundleAttest',
  'ImagePolicyWebhook',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'NodeDeclaredFeatureValidator',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
]);

/** What is wrong with the two lists; empty when nothing is. */
export function admissionPluginFaults(enabled: readonly string[] = [], disabled: readonly string[] = []): string[] {
  const unknown = (flag: string, names: readonly string[]): string[] =>
    names.filter((name) => !knownPlugins.has(name)).map((name) => `${flag} plugin "${name}" is unknown`);
  const unbuilt = enabled.filter((name) => unbuiltPlugins.has(name));
  const both = enabled.filter((name) => disabled.includes(name));
  const unsupported = unbuilt.map((name) => `enable-admission-plugins plugin "${name}" is not supported`);
  const overlap = both.length > 0 ? [`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`] : [];
  return [...unknown('enable-admission-plugins', enabled), ...unknown('disable-admission-plugins', disabled), ...unsupported, ...overlap];
}
