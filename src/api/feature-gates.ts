/**
 * Feature gates that the kinds ask about, and whether each is on when nobody says otherwise. Gates that are locked on are not asked.
 * A feature whose effect is not built is off here even where upstream has it on: its fields are not stored.
 * @source pkg/features/kube_features.go, v1.35
 */

export const defaultFeatureGates: Readonly<Record<string, boolean>> = {
  CBORServingAndStorage: false,
  ClusterTrustBundleProjection: false,
  ContainerRestartRules: true,
  ContainerStopSignals: false,
  CoordinatedLeaderElection: false,
  CrossNamespaceVolumeDataSource: false,
  // Not built.
  DynamicResourceAllocation: false,
  // Not built in the kubelet.
  EnvFiles: false,
  GenericWorkload: false,
  HPAScaleToZero: false,
  HostnameOverride: true,
  ImageVolume: true,
  PodCertificateRequest: false,
  PodLevelResources: true,
  RelaxedServiceNameValidation: false,
  UserNamespacesSupport: true,
};

/** The state of a gate by default; gates that are not known here are on. */
export function featureEnabledByDefault(gate: string): boolean {
  return Object.hasOwn(defaultFeatureGates, gate) ? defaultFeatureGates[gate]! : true;
}
