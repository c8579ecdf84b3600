/**
 * Every admission plugin of upstream in upstream's order, which is the order in which they run; whether it is on by default; and
 * how it is made, if it is built. A further plugin is one line here.
 * @source kubernetes pkg/kubeapiserver/options/plugins.go AllOrderedPlugins, DefaultOffAdmissionPlugins, v1.35
 */
import type { Registry } from '../../base/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import type { ApiServerHost } from '../extension.ts';
import { alwaysPullImages } from './always-pull-images.ts';
import { alwaysAdmit, alwaysDeny } from './always.ts';
import { certificateApproval, certificateSigning } from './certificate-signers.ts';
import { certificateSubjectRestriction } from './certificate-subject-restriction.ts';
import { defaultIngressClass } from './default-ingress-class.ts';
import { defaultStorageClass } from './default-storage-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { denyServiceExternalIps } from './deny-service-external-ips.ts';
import { eventRateLimitPlugin, readEventLimits } from './event-rate-limit.ts';
import { extendedResourceToleration } from './extended-resource-toleration.ts';
import { limitPodHardAntiAffinityTopology } from './limit-pod-hard-anti-affinity-topology.ts';
import { limitRangerPlugin } from './limit-ranger/limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { namespaceAutoProvision, namespaceExists } from './namespace-presence.ts';
import { nodeRestriction } from './node-restriction.ts';
import { ownerReferencesPermissionEnforcement } from './owner-references-permission.ts';
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts';
import { podNodeSelectorPlugin, readNodeSelectorConfiguration } from './pod-node-selector.ts';
import { readPodSecurityConfiguration } from './pod-security/configuration.ts';
import { podSecurityPlugin } from './pod-security/pod-security.ts';
import { podTolerationRestrictionPlugin, readTolerationConfiguration } from './pod-toleration-restriction.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priorityPlugin } from './priority.ts';
import { readResourceQuotaConfiguration } from './resource-quota/configuration.ts';
import { resourceQuotaPlugin } from './resource-quota/resource-quota.ts';
import { runtimeClassPlugin } from './runtime-class.ts';
import { serviceAccountPlugin } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export interface PluginMeans {
  readonly host: ApiServerHost;
  /** The plugin's part of the admission configuration; undefined when there is none. */
  readonly configuration: unknown;
  readonly metrics: Registry;
}

export interface PluginEntry {
  readonly name: string;
  /** Runs unless it is disabled. */
  readonly onByDefault: boolean;
  /** Reads its configuration as `make` does. @throws RangeError naming the field that is wrong. Left out: it has none */
  readonly readConfiguration?: (configuration: unknown) => unknown;
  /** Left out: it is not built. @throws RangeError when its configuration is wrong */
  readonly make?: (means: PluginMeans) => AdmissionPlugin;
}

export const admissionPlugins: readonly PluginEntry[] = [
  { name: 'AlwaysAdmit', onByDefault: false, make: () => alwaysAdmit },
  { name: 'NamespaceAutoProvision', onByDefault: false, make: () => namespaceAutoProvision },
  { name: 'NamespaceLifecycle', onByDefault: true, make: () => namespaceLifecycle },
  { name: 'NamespaceExists', onByDefault: false, make: () => namespaceExists },
  { name: 'LimitPodHardAntiAffinityTopology', onByDefault: false, make: () => limitPodHardAntiAffinityTopology },
  { name: 'LimitRanger', onByDefault: true, make: ({ host }) => limitRangerPlugin(host) },
  { name: 'ServiceAccount', onByDefault: true, make: ({ host }) => serviceAccountPlugin(host) },
  // Off upstream until an administrator turns it on, which every installer does.
  { name: 'NodeRestriction', onByDefault: true, make: () => nodeRestriction },
  { name: 'TaintNodesByCondition', onByDefault: true, make: () => taintNodesByCondition },
  { name: 'AlwaysPullImages', onByDefault: false, make: () => alwaysPullImages },
  { name: 'ImagePolicyWebhook', onByDefault: false },
  {
    name: 'PodSecurity',
    onByDefault: true,
    readConfiguration: readPodSecurityConfiguration,
    make: ({ host, configuration, metrics }) =>
      podSecurityPlugin({ host, metrics, configuration: given(configuration, readPodSecurityConfiguration) }),
  },
  {
    name: 'PodNodeSelector',
    onByDefault: false,
    readConfiguration: readNodeSelectorConfiguration,
    make: ({ configuration }) => podNodeSelectorPlugin(given(configuration, readNodeSelectorConfiguration)),
  },
  { name: 'Priority', onByDefault: true, make: () => priorityPlugin },
  { name: 'DefaultTolerationSeconds', onByDefault: true, make: () => defaultTolerationSeconds },
  {
    name: 'PodTolerationRestriction',
    onByDefault: false,
    readConfiguration: readTolerationConfiguration,
    make: ({ configuration }) => podTolerationRestrictionPlugin(given(configuration, readTolerationConfiguration)),
  },
  {
    name: 'EventRateLimit',
    onByDefault: false,
    readConfiguration: readEventLimits,
    make: ({ host, configuration }) => eventRateLimitPlugin(readEventLimits(configuration), () => host.clock.monotonic()),
  },
  { name: 'ExtendedResourceToleration', onByDefault: false, make: () => extendedResourceToleration },
  { name: 'DefaultStorageClass', onByDefault: true, make: () => defaultStorageClass },
  { name: 'StorageObjectInUseProtection', onByDefault: true, make: () => storageObjectInUseProtection },
  { name: 'OwnerReferencesPermissionEnforcement', onByDefault: false, make: () => ownerReferencesPermissionEnforcement },
  { name: 'PersistentVolumeClaimResize', onByDefault: true, make: () => persistentVolumeClaimResize },
  { name: 'RuntimeClass', onByDefault: true, make: () => runtimeClassPlugin },
  { name: 'CertificateApproval', onByDefault: true, make: () => certificateApproval },
  { name: 'CertificateSigning', onByDefault: true, make: () => certificateSigning },
  { name: 'ClusterTrustBundleAttest', onByDefault: true },
  { name: 'CertificateSubjectRestriction', onByDefault: true, make: () => certificateSubjectRestriction },
  { name: 'DefaultIngressClass', onByDefault: true, make: () => defaultIngressClass },
  { name: 'DenyServiceExternalIPs', onByDefault: false, make: () => denyServiceExternalIps },
  { name: 'PodTopologyLabels', onByDefault: true, make: () => podTopologyLabels },
  { name: 'NodeDeclaredFeatureValidator', onByDefault: true },
  { name: 'MutatingAdmissionPolicy', onByDefault: true },
  { name: 'MutatingAdmissionWebhook', onByDefault: true },
  { name: 'ValidatingAdmissionPolicy', onByDefault: true },
  { name: 'ValidatingAdmissionWebhook', onByDefault: true },
  {
    name: 'ResourceQuota',
    onByDefault: true,
    readConfiguration: readResourceQuotaConfiguration,
    make: ({ host, configuration }) => resourceQuotaPlugin(host, given(configuration, readResourceQuotaConfiguration)),
  },
  { name: 'AlwaysDeny', onByDefault: false, make: () => alwaysDeny },
];

function given<T>(configuration: unknown, read: (configuration: unknown) => T): T | undefined {
  return configuration === undefined ? undefined : read(configuration);
}
