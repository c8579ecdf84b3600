/**
 * Which plain fields tell "zero" from "not said". Go writes every plain field that is no pointer, zero or not, and leaves zeros out
 * of JSON; a pointer is written only when it is set. The wire does not tell the two apart, so the pointers stand here, by message.
 * `*` stands for every message.
 * @source k8s.io/api types.go, v0.35: fields of type *string, *bool, *int32, *int64 and of pointer string types
 */
const pointers: Readonly<Record<string, string>> = {
  '*':
    'controller blockOwnerDeletion deletionGracePeriodSeconds defaultMode optional mode terminationGracePeriodSeconds ' +
    'activeDeadlineSeconds automountServiceAccountToken shareProcessNamespace runtimeClassName enableServiceLinks preemptionPolicy ' +
    'setHostnameAsFQDN hostUsers hostnameOverride tolerationSeconds minDomains nodeAffinityPolicy nodeTaintsPolicy privileged ' +
    'runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation procMount fsGroup fsGroupChangePolicy ' +
    'supplementalGroupsPolicy seLinuxChangePolicy localhostProfile hostProcess mountPropagation recursiveReadOnly immutable ' +
    'ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution appProtocol ipMode ' +
    'storageClassName volumeMode volumeAttributesClassName holderIdentity leaseDurationSeconds leaseTransitions strategy ' +
    'revisionHistoryLimit progressDeadlineSeconds collisionCount parallelism completions backoffLimit backoffLimitPerIndex ' +
    'maxFailedIndexes manualSelector ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy timeZone ' +
    'startingDeadlineSeconds successfulJobsHistoryLimit failedJobsHistoryLimit gracePeriodSeconds orphanDependents ' +
    'propagationPolicy ignoreStoreReadErrorWithClusterBreakingPotential minReplicas stabilizationWindowSeconds averageUtilization ' +
    'selectPolicy unhealthyPodEvictionPolicy reclaimPolicy allowVolumeExpansion volumeBindingMode attachRequired podInfoOnMount ' +
    'storageCapacity requiresRepublish seLinuxMount fsGroupPolicy ingressClassName pathType endPort recursiveReadOnlyMounts ' +
    'userNamespaces started stopSignal persistentVolumeName failurePolicy matchPolicy sideEffects timeoutSecondsOverride ' +
    'reinvocationPolicy preserveUnknownFields gmsaCredentialSpecName gmsaCredentialSpec runAsUserName resourceClaimName ' +
    'resourceClaimTemplateName initiatorName cachingMode remainingItemCount nominalConcurrencyShares lendablePercent ' +
    'borrowingLimitPercent parameterNotFoundAction errorCode terminating failedIndexes terminatingReplicas',
  // Where the same name is a plain field elsewhere.
  DeploymentSpec: 'replicas',
  ReplicaSetSpec: 'replicas',
  StatefulSetSpec: 'replicas',
  ReplicationControllerSpec: 'replicas',
  RollingUpdateStatefulSetStrategy: 'partition',
  PodSpec: 'priority',
  Container: 'restartPolicy',
  EphemeralContainerCommon: 'restartPolicy',
  CSIVolumeSource: 'readOnly fsType',
  AzureDiskVolumeSource: 'readOnly fsType kind',
  LocalVolumeSource: 'fsType',
  HostPathVolumeSource: 'type',
  GRPCAction: 'service',
  ServiceAccountTokenProjection: 'expirationSeconds',
  ClusterTrustBundleProjection: 'name signerName',
  TokenRequestSpec: 'expirationSeconds',
  TokenRequest: 'expirationSeconds',
  ClientIPConfig: 'timeoutSeconds',
  PodDNSConfigOption: 'value',
  TypedLocalObjectReference: 'apiGroup',
  TypedObjectReference: 'apiGroup namespace',
  IngressClassParametersReference: 'apiGroup scope namespace',
  EndpointAddress: 'nodeName',
  Endpoint: 'hostname nodeName zone',
  EndpointConditions: 'ready serving terminating',
  EndpointPort: 'name port protocol',
  NetworkPolicyPort: 'protocol',
  PortStatus: 'error',
  Preconditions: 'uid resourceVersion',
  JobStatus: 'ready',
  PodFailurePolicyOnExitCodesRequirement: 'containerName',
  SuccessPolicyRule: 'succeededIndexes succeededCount',
  LeaseSpec: 'preferredHolder',
  VolumeNodeResources: 'count',
  MutatingWebhook: 'timeoutSeconds',
  ValidatingWebhook: 'timeoutSeconds',
  WebhookClientConfig: 'url',
  ServiceReference: 'path port',
  Rule: 'scope',
  CertificateSigningRequestSpec: 'expirationSeconds',
  CSIDriverSpec: 'nodeAllocatableUpdatePeriodSeconds',
  FlowDistinguisherMethod: '',
  CustomResourceConversion: '',
  JSONSchemaProps:
    'maximum minimum maxLength minLength maxItems minItems multipleOf maxProperties minProperties nullable ' +
    'x-kubernetes-preserve-unknown-fields x-kubernetes-list-type x-kubernetes-map-type',
};

const names = new Map(Object.entries(pointers).map(([message, fields]) => [message, new Set(fields.split(' '))]));
const everywhere = names.get('*')!;

/** @param message full name @param field as in JSON */
export function isPointer(message: string, field: string): boolean {
  return everywhere.has(field) || names.get(message.slice(message.lastIndexOf('.') + 1))?.has(field) === true;
}
