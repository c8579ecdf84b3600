/** The table of built-in resources. One generic handler serves every entry: a further kind is a further line here. */
import type { ResourceDefinition } from '../resource-definition.ts';
import { controllerRevisionResource } from './apps/controller-revision.ts';
import { daemonSetResource } from './apps/daemon-set.ts';
import { deploymentResource } from './apps/deployment.ts';
import { replicaSetResource } from './apps/replica-set.ts';
import { statefulSetResource } from './apps/stateful-set.ts';
import { selfSubjectReviewResource, tokenReviewResource } from './authentication/reviews.ts';
import {
  localSubjectAccessReviewResource,
  selfSubjectAccessReviewResource,
  selfSubjectRulesReviewResource,
  subjectAccessReviewResource,
} from './authorization/access-reviews.ts';
import { horizontalPodAutoscalerResource, horizontalPodAutoscalerV1Resource } from './autoscaling/horizontal-pod-autoscaler.ts';
import { certificateSigningRequestResource } from './certificates/certificate-signing-request.ts';
import { cronJobResource } from './batch/cron-job.ts';
import { jobResource } from './batch/job.ts';
import { bindingResource } from './core/binding.ts';
import { componentStatusResource } from './core/component-status.ts';
import { configMapResource } from './core/config-map.ts';
import { endpointsResource } from './core/endpoints.ts';
import { limitRangeResource } from './core/limit-range.ts';
import { namespaceResource } from './core/namespace.ts';
import { nodeResource } from './core/node.ts';
import { persistentVolumeClaimResource } from './core/persistent-volume-claim.ts';
import { persistentVolumeResource } from './core/persistent-volume.ts';
import { podTemplateResource } from './core/pod-template.ts';
import { podResource } from './core/pod/definition.ts';
import { replicationControllerResource } from './core/replication-controller.ts';
import { resourceQuotaResource } from './core/resource-quota.ts';
import { secretResource } from './core/secret.ts';
import { serviceAccountResource } from './core/service-account.ts';
import { serviceResource } from './core/service/definition.ts';
import { endpointSliceResource } from './endpoint-slice.ts';
import { coreEventResource, eventsEventResource } from './event.ts';
import { flowSchemaResource } from './flowcontrol/flow-schema.ts';
import { priorityLevelConfigurationResource } from './flowcontrol/priority-level-configuration.ts';
import { leaseResource } from './lease.ts';
import { priorityClassResource } from './priority-class.ts';
import { podDisruptionBudgetResource } from './policy/pod-disruption-budget.ts';
import { clusterRoleBindingResource } from './rbac/cluster-role-binding.ts';
import { clusterRoleResource } from './rbac/cluster-role.ts';
import { roleBindingResource } from './rbac/role-binding.ts';
import { roleResource } from './rbac/role.ts';
import { ingressClassResource } from './networking/ingress-class.ts';
import { ingressResource } from './networking/ingress.ts';
import { ipAddressBetaResource, ipAddressResource } from './networking/ip-address.ts';
import { networkPolicyResource } from './networking/network-policy.ts';
import { serviceCidrBetaResource, serviceCidrResource } from './networking/service-cidr.ts';
import { runtimeClassResource } from './runtime-class.ts';
import { csiDriverResource } from './storage/csi-driver.ts';
import { csiNodeResource } from './storage/csi-node.ts';
import { csiStorageCapacityResource } from './storage/csi-storage-capacity.ts';
import { storageClassResource } from './storage/storage-class.ts';
import { volumeAttachmentResource } from './storage/volume-attachment.ts';
import { volumeAttributesClassBetaResource, volumeAttributesClassResource } from './storage/volume-attributes-class.ts';

export const builtinResources: readonly ResourceDefinition[] = [
  bindingResource,
  componentStatusResource,
  configMapResource,
  endpointsResource,
  coreEventResource,
  limitRangeResource,
  namespaceResource,
  nodeResource,
  persistentVolumeClaimResource,
  persistentVolumeResource,
  podResource,
  podTemplateResource,
  replicationControllerResource,
  resourceQuotaResource,
  secretResource,
  serviceAccountResource,
  serviceResource,
  controllerRevisionResource,
  daemonSetResource,
  deploymentResource,
  replicaSetResource,
  statefulSetResource,
  horizontalPodAutoscalerResource,
  horizontalPodAutoscalerV1Resource,
  cronJobResource,
  jobResource,
  selfSubjectReviewResource,
  tokenReviewResource,
  localSubjectAccessReviewResource,
  selfSubjectAccessReviewResource,
  selfSubjectRulesReviewResource,
  subjectAccessReviewResource,
  certificateSigningRequestResource,
  leaseResource,
  endpointSliceResource,
  eventsEventResource,
  flowSchemaResource,
  priorityLevelConfigurationResource,
  ingressClassResource,
  ingressResource,
  ipAddressResource,
  ipAddressBetaResource,
  networkPolicyResource,
  serviceCidrResource,
  serviceCidrBetaResource,
  runtimeClassResource,
  clusterRoleBindingResource,
  clusterRoleResource,
  roleBindingResource,
  roleResource,
  podDisruptionBudgetResource,
  priorityClassResource,
  csiDriverResource,
  csiNodeResource,
  csiStorageCapacityResource,
  storageClassResource,
  volumeAttachmentResource,
  volumeAttributesClassResource,
  volumeAttributesClassBetaResource,
];

export { validateBinding } from './core/binding.ts';
export { repackSubsets } from './core/endpoint-subsets.ts';
export { namespaceNameLabel } from './core/namespace.ts';
export { serviceAddressFaults } from './core/service/validate-cluster-ips.ts';
export { isExtendedResource } from './core/pod/validate-resources.ts';
export { defineResource, partVerbs, storedVerbs } from './define-resource.ts';
export { mandatoryFlowSchemas, suggestedFlowSchemas } from './flowcontrol/default-flow-schemas.ts';
export { autoUpdateAnnotation, mandatoryPriorityLevels, suggestedPriorityLevels } from './flowcontrol/default-priority-levels.ts';
export { highestUserPriority, systemPriorityClasses } from './priority-class.ts';
export { defaultIngressClassMark } from './networking/ingress-class.ts';
export { ingressClassAnnotation } from './networking/ingress-rules.ts';
export { schedulingExplanationResources } from './knarr/scheduling-explanation.ts';
export { usageMetricsResources } from './metrics/usage-metrics.ts';
