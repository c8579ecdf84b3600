/**
 * Every admission plugin of upstream in upstream's order, which is the order in which they run; whether it is on by default; and
 * how it is made, if it is built. A further plugin is one line here.
 * @source kubernetes pkg/kubeapiserver/options/plugins.go AllOrderedPlugins, DefaultOffAdmissionPlugins, v1.35
 */
import type { AdmissionPlugin } from '../admission.ts';
import type { ApiServerHost } from '../extension.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priorityPlugin } from './priority.ts';
import { readResourceQuotaConfiguration } from './resource-quota/configuration.ts';
import { resourceQuotaPlugin } from './resource-quota/resource-quota.ts';
import { runtimeClassPlugin } from './runtime-class.ts';
import { serviceAccountPlugin } from './service-account.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export interface PluginMeans {
  readonly host: ApiServerHost;
  /** The plugin's part of the admission configuration; undefined when there is none. */
  readonly configuration: unknown;
}

export interface PluginEntry {
  readonly name: string;
  /** Runs unless it is disabled. */
  readonly onByDefault: boolean;
  /** Left out: it is not built. @throws RangeError when its configuration is wrong */
  readonly make?: (means: PluginMeans) => AdmissionPlugin;
}

export const admissionPlugins: readonly PluginEntry[] = [
  { name: 'AlwaysAdmit', onByDefault: false },
  { name: 'NamespaceAutoProvision', onByDefault: false },
  { name: 'NamespaceLifecycle', onByDefault: true, make: () => namespaceLifecycle },
  { name: 'NamespaceExists', onByDefault: false },
  { name: 'LimitPodHardAntiAffinityTopology', onByDefault: false },
  { name: 'LimitRanger', onByDefault: true },
  { name: 'ServiceAccount', onByDefault: true, make: ({ host }) => serviceAccountPlugin(host) },
  // Off upstream until an administrator turns it on, which every installer does.
  { name: 'NodeRestriction', onByDefault: true, make: () => nodeRestriction },
  { name: 'TaintNodesByCondition', onByDefault: true, make: () => taintNodesByCondition },
  { name: 'AlwaysPullImages', onByDefault: false },
  { name: 'ImagePolicyWebhook', onByDefault: false },
  { name: 'PodSecurity', onByDefault: true },
  { name: 'PodNodeSelector', onByDefault: false },
  { name: 'Priority', onByDefault: true, make: () => priorityPlugin },
  { name: 'DefaultTolerationSeconds', onByDefault: true, make: () => defaultTolerationSeconds },
  { name: 'PodTolerationRestriction', onByDefault: false },
  { name: 'EventRateLimit', onByDefault: false },
  { name: 'ExtendedResourceToleration', onByDefault: false },
  { name: 'DefaultStorageClass', onByDefault: true },
  { name: 'StorageObjectInUseProtection', onByDefault: true },
  { name: 'OwnerReferencesPermissionEnforcement', onByDefault: false },
  { name: 'PersistentVolumeClaimResize', onByDefault: true },
  { name: 'RuntimeClass', onByDefault: true, make: () => runtimeClassPlugin },
  { name: 'CertificateApproval', onByDefault: true },
  { name: 'CertificateSigning', onByDefault: true },
  { name: 'ClusterTrustBundleAttest', onByDefault: true },
  { name: 'CertificateSubjectRestriction', onByDefault: true },
  { name: 'DefaultIngressClass', onByDefault: true },
  { name: 'DenyServiceExternalIPs', onByDefault: false },
  { name: 'PodTopologyLabels', onByDefault: true, make: () => podTopologyLabels },
  { name: 'NodeDeclaredFeatureValidator', onByDefault: true },
  { name: 'MutatingAdmissionPolicy', onByDefault: true },
  { name: 'MutatingAdmissionWebhook', onByDefault: true },
  { name: 'ValidatingAdmissionPolicy', onByDefault: true },
  { name: 'ValidatingAdmissionWebhook', onByDefault: true },
  {
    name: 'ResourceQuota',
    onByDefault: true,
    make: ({ host, configuration }) =>
      resourceQuotaPlugin(host, configuration === undefined ? undefined : readResourceQuotaConfiguration(configuration)),
  },
  { name: 'AlwaysDeny', onByDefault: false },
];
