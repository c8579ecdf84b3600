/** The door of the controllers: all that runs in a controller manager, by upstream's names. */
import { localPath } from '../api/index.ts';
import type { JsonObject } from '../api/index.ts';
import type { Controller, ControllerContext } from '../client/index.ts';
import { createBootstrapSigner, createTokenCleaner } from './bootstrap/bootstrap-controllers.ts';
import { createCertificateApprovingController } from './certificates/approving-controller.ts';
import { createCertificateCleanerController } from './certificates/cleaner-controller.ts';
import { createCertificateSigningController, type SigningOptions } from './certificates/signing-controller.ts';
import { controllerChoiceFaults, isChosen } from './choice.ts';
import { type AttachDetachOptions, createAttachDetachController } from './attach-detach/attach-detach-controller.ts';
import { createClusterRoleAggregationController } from './clusterrole-aggregation/clusterrole-aggregation-controller.ts';
import type { ControllerName } from './controller-names.ts';
import { createCronJobController, type CronJobOptions } from './cronjob/cronjob-controller.ts';
import { createDaemonSetController } from './daemonset/daemonset-controller.ts';
import { createDeploymentController } from './deployment/deployment-controller.ts';
import { createDisruptionController } from './disruption/disruption-controller.ts';
import { createStaleDisruptionController } from './disruption/stale-disruption-controller.ts';
import { createEndpointsController, type EndpointsOptions } from './endpoints/endpoints-controller.ts';
import {
  createEndpointSliceMirroringController,
  type EndpointSliceMirroringOptions,
} from './endpointslice-mirroring/endpointslice-mirroring-controller.ts';
import { createEndpointSliceController, type EndpointSliceOptions } from './endpointslice/endpointslice-controller.ts';
import { createEphemeralVolumeController } from './ephemeral-volume/ephemeral-volume-controller.ts';
import { createGarbageCollector, type GarbageCollectorOptions } from './garbage-collector/garbage-collector-controller.ts';
import {
  createAttributesClassProtection,
  createClaimProtection,
  createVolumeProtection,
} from './in-use-protection/in-use-protection-controllers.ts';
import { createJobController } from './job/job-controller.ts';
import { createLocalPathProvisioner, type LocalPathOptions } from './local-path-provisioner/local-path-provisioner.ts';
import { createNamespaceController, type NamespaceOptions } from './namespace/namespace-controller.ts';
import { createNodeIpamController, type NodeIpamOptions } from './node-ipam/node-ipam-controller.ts';
import { createNodeLifecycleController, type NodeLifecycleOptions } from './node-lifecycle/node-lifecycle-controller.ts';
import { createPersistentVolumeController, type PersistentVolumeOptions } from './persistent-volume/persistent-volume-controller.ts';
import { type AutoscalerOptions, createAutoscalerController } from './podautoscaler/autoscaler-controller.ts';
import { createPodGcController, type PodGcOptions } from './pod-gc/pod-gc-controller.ts';
import { createReplicaSetController } from './replicaset/replicaset-controller.ts';
import { createReplicationController } from './replication-controller/replication-controller.ts';
import { createResourceQuotaController, type ResourceQuotaOptions } from './resource-quota/resource-quota-controller.ts';
import { createLegacyTokenCleaner, type LegacyTokenOptions } from './service-accounts/legacy-token-cleaner.ts';
import { createRootCaController } from './service-accounts/root-ca-controller.ts';
import { createServiceAccountsController } from './service-accounts/service-accounts-controller.ts';
import { createTokensController } from './service-accounts/tokens-controller.ts';
import { createServiceCidrsController } from './service-cidrs/service-cidrs-controller.ts';
import {
  createServiceLoadBalancerController,
  type ServiceLoadBalancerOptions,
} from './service-load-balancer/service-load-balancer-controller.ts';
import { actingAs, speakingAs } from './speaker.ts';
import { createStatefulSetController } from './statefulset/statefulset-controller.ts';
import { createTaintEvictionController } from './taint-eviction/taint-eviction-controller.ts';
import { createTtlController } from './ttl/ttl-controller.ts';
import { createTtlAfterFinishedController } from './ttl-after-finished/ttl-after-finished-controller.ts';
import { createVolumeExpandController } from './volume-expand/volume-expand-controller.ts';

/** Every period and limit has upstream's default. */
export interface ControllersOptions {
  /** The words of `--controllers`; default `*`: all that run by default. */
  readonly only?: readonly string[];
  /** How many keys of a controller are reconciled at once, by its name. */
  readonly workers?: { readonly [Name in ControllerName]?: number };
  readonly cronJob?: CronJobOptions;
  readonly endpoints?: EndpointsOptions;
  readonly endpointSlice?: EndpointSliceOptions;
  readonly endpointSliceMirroring?: EndpointSliceMirroringOptions;
  readonly garbageCollector?: GarbageCollectorOptions;
  readonly legacyTokens?: LegacyTokenOptions;
  readonly namespace?: NamespaceOptions;
  readonly nodeLifecycle?: NodeLifecycleOptions;
  readonly persistentVolume?: PersistentVolumeOptions;
  readonly attachDetach?: AttachDetachOptions;
  /** Left out: nobody provisions directories of nodes. */
  readonly localPath?: LocalPathOptions;
  /** Left out: Services of type LoadBalancer get no addresses from here. */
  readonly loadBalancer?: ServiceLoadBalancerOptions;
  readonly podAutoscaler?: AutoscalerOptions;
  readonly podGc?: PodGcOptions;
  readonly resourceQuota?: ResourceQuotaOptions;
  /** Left out: nodes get no pod range from here. */
  readonly nodeIpam?: NodeIpamOptions;
  /** PEM of the API server's certificate authority; left out: it is not published. */
  readonly rootCa?: string;
  /** Left out: nobody signs requests for certificates. */
  readonly signing?: SigningOptions;
  /** Signs claims of ServiceAccount tokens; left out: Secrets get none. */
  readonly signToken?: (claims: JsonObject) => string;
}

/** One controller of the manager. */
interface ControllerRow {
  readonly name: ControllerName;
  /** The ServiceAccount in kube-system whose rights it has; left out: it acts as the manager itself. */
  readonly account?: string;
  /** The component that its events name; left out: its account. */
  readonly speaks?: string;
  /** Several: parts with queues of their own. Undefined: it has nothing to do with these options. */
  readonly create: (context: ControllerContext, options: ControllersOptions) => Controller | readonly Controller[] | undefined;
}

/** All that are built, in the order in which they start. @source cmd/kube-controller-manager/app (names of clients), v1.35 */
const controllerTable: readonly ControllerRow[] = [
  {
    name: 'serviceaccount-token-controller',
    create: (context, { signToken, rootCa }) => signToken && createTokensController(context, { sign: signToken, rootCa }),
  },
  { name: 'serviceaccount-controller', account: 'service-account-controller', create: createServiceAccountsController },
  { name: 'deployment-controller', account: 'deployment-controller', create: createDeploymentController },
  { name: 'replicaset-controller', account: 'replicaset-controller', create: createReplicaSetController },
  { name: 'job-controller', account: 'job-controller', create: createJobController },
  {
    name: 'cronjob-controller',
    account: 'cronjob-controller',
    create: (context, { cronJob }) => createCronJobController(context, cronJob),
  },
  { name: 'ttl-after-finished-controller', account: 'ttl-after-finished-controller', create: createTtlAfterFinishedController },
  {
    name: 'replicationcontroller-controller',
    account: 'replication-controller',
    speaks: 'replication-controller',
    create: createReplicationController,
  },
  {
    name: 'endpointslice-controller',
    account: 'endpointslice-controller',
    speaks: 'endpoint-slice-controller',
    create: (context, { endpointSlice }) => createEndpointSliceController(context, endpointSlice),
  },
  {
    name: 'endpoints-controller',
    account: 'endpoint-controller',
    create: (context, { endpoints }) => createEndpointsController(context, endpoints),
  },
  {
    name: 'endpointslice-mirroring-controller',
    account: 'endpointslicemirroring-controller',
    speaks: 'endpoint-slice-mirroring-controller',
    create: (context, { endpointSliceMirroring }) => createEndpointSliceMirroringController(context, endpointSliceMirroring),
  },
  {
    name: 'garbage-collector-controller',
    account: 'generic-garbage-collector',
    speaks: 'garbage-collector-controller',
    create: (context, { garbageCollector }) => createGarbageCollector(context, garbageCollector),
  },
  {
    name: 'namespace-controller',
    account: 'namespace-controller',
    create: (context, { namespace }) => createNamespaceController(context, namespace),
  },
  {
    name: 'daemonset-controller',
    account: 'daemon-set-controller',
    speaks: 'daemonset-controller',
    create: createDaemonSetController,
  },
  { name: 'statefulset-controller', account: 'statefulset-controller', create: createStatefulSetController },
  {
    name: 'clusterrole-aggregation-controller',
    account: 'clusterrole-aggregation-controller',
    create: createClusterRoleAggregationController,
  },
  {
    name: 'root-ca-certificate-publisher-controller',
    account: 'root-ca-cert-publisher',
    create: (context, { rootCa }) => (rootCa === undefined ? undefined : createRootCaController(context, { rootCa })),
  },
  {
    name: 'node-lifecycle-controller',
    account: 'node-controller',
    create: (context, { nodeLifecycle }) => createNodeLifecycleController(context, nodeLifecycle),
  },
  {
    name: 'taint-eviction-controller',
    account: 'node-controller',
    speaks: 'taint-eviction-controller',
    create: createTaintEvictionController,
  },
  {
    name: 'node-ipam-controller',
    account: 'node-controller',
    speaks: 'cidrAllocator',
    create: (context, { nodeIpam }) => nodeIpam && createNodeIpamController(context, nodeIpam),
  },
  {
    name: 'disruption-controller',
    account: 'disruption-controller',
    speaks: 'controllermanager',
    create: (context) => [createDisruptionController(context), createStaleDisruptionController(context)],
  },
  {
    name: 'horizontal-pod-autoscaler-controller',
    account: 'horizontal-pod-autoscaler',
    create: (context, { podAutoscaler }) => createAutoscalerController(context, podAutoscaler),
  },
  {
    name: 'pod-garbage-collector-controller',
    account: 'pod-garbage-collector',
    create: (context, { podGc }) => createPodGcController(context, podGc),
  },
  {
    name: 'persistentvolume-binder-controller',
    account: 'persistent-volume-binder',
    speaks: 'persistentvolume-controller',
    create: (context, { persistentVolume }) => createPersistentVolumeController(context, persistentVolume),
  },
  {
    name: 'persistentvolume-attach-detach-controller',
    account: 'attachdetach-controller',
    create: (context, { attachDetach }) => createAttachDetachController(context, attachDetach),
  },
  {
    name: 'persistentvolume-expander-controller',
    account: 'expand-controller',
    speaks: 'volume_expand',
    create: createVolumeExpandController,
  },
  {
    name: 'ephemeral-volume-controller',
    account: 'ephemeral-volume-controller',
    speaks: 'ephemeral_volume',
    create: createEphemeralVolumeController,
  },
  {
    name: 'local-path-provisioner',
    account: 'local-path-provisioner',
    speaks: localPath.provisioner,
    create: (context, options) => options.localPath && createLocalPathProvisioner(context, options.localPath),
  },
  { name: 'persistentvolumeclaim-protection-controller', account: 'pvc-protection-controller', create: createClaimProtection },
  { name: 'persistentvolume-protection-controller', account: 'pv-protection-controller', create: createVolumeProtection },
  {
    name: 'volumeattributesclass-protection-controller',
    account: 'volumeattributesclass-protection-controller',
    create: createAttributesClassProtection,
  },
  {
    name: 'certificatesigningrequest-approving-controller',
    account: 'certificate-controller',
    create: createCertificateApprovingController,
  },
  {
    name: 'certificatesigningrequest-signing-controller',
    account: 'certificate-controller',
    create: (context, { signing }) => signing && createCertificateSigningController(context, signing),
  },
  { name: 'certificatesigningrequest-cleaner-controller', account: 'certificate-controller', create: createCertificateCleanerController },
  { name: 'ttl-controller', account: 'ttl-controller', create: createTtlController },
  { name: 'bootstrap-signer-controller', account: 'bootstrap-signer', create: createBootstrapSigner },
  { name: 'token-cleaner-controller', account: 'token-cleaner', create: createTokenCleaner },
  {
    name: 'legacy-serviceaccount-token-cleaner-controller',
    account: 'legacy-service-account-token-cleaner',
    create: (context, { legacyTokens }) => createLegacyTokenCleaner(context, legacyTokens),
  },
  {
    name: 'service-lb-controller',
    account: 'service-controller',
    create: (context, { loadBalancer }) => loadBalancer && createServiceLoadBalancerController(context, loadBalancer),
  },
  { name: 'service-cidr-controller', account: 'service-cidrs-controller', create: createServiceCidrsController },
  {
    name: 'resourcequota-controller',
    account: 'resourcequota-controller',
    create: (context, { resourceQuota }) => createResourceQuotaController(context, resourceQuota),
  },
];

const built: ReadonlySet<string> = new Set(controllerTable.map(({ name }) => name));

/** What is wrong with the words of `--controllers`; empty when all is well. */
export function controllersFaults(words: readonly string[]): string[] {
  return controllerChoiceFaults(words, (name) => built.has(name));
}

/** The chosen controllers, not yet running; `runControllers` runs them. */
export function createControllers(context: ControllerContext, options: ControllersOptions = {}): Controller[] {
  const { only = ['*'], workers = {} } = options;
  return controllerTable.flatMap(({ name, account, speaks = account, create }) => {
    if (!isChosen(name, only)) return [];
    const acting = account === undefined ? context : actingAs(context, account);
    const parts = [create(speaks === undefined ? acting : speakingAs(acting, speaks), options) ?? []].flat();
    return parts.map((part) => ({ ...part, ...(workers[name] !== undefined && { workers: workers[name] }) }));
  });
}

export type {
  AutoscalerOptions,
  ControllerName,
  CronJobOptions,
  EndpointsOptions,
  EndpointSliceOptions,
  GarbageCollectorOptions,
  NamespaceOptions,
  NodeIpamOptions,
  NodeLifecycleOptions,
  PodGcOptions,
  ResourceQuotaOptions,
};
