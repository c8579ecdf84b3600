/** The door of the controllers: all that runs in a controller manager, by upstream's names. */
import type { Controller, ControllerContext } from '../client/index.ts';
import { createClusterRoleAggregationController } from './clusterrole-aggregation/clusterrole-aggregation-controller.ts';
import { createDeploymentController } from './deployment/deployment-controller.ts';
import { createEndpointsController, type EndpointsOptions } from './endpoints/endpoints-controller.ts';
import { createEndpointSliceMirroringController } from './endpointslice-mirroring/endpointslice-mirroring-controller.ts';
import { createEndpointSliceController, type EndpointSliceOptions } from './endpointslice/endpointslice-controller.ts';
import { createGarbageCollector, type GarbageCollectorOptions } from './garbage-collector/garbage-collector-controller.ts';
import {
  createAttributesClassProtection,
  createClaimProtection,
  createVolumeProtection,
} from './in-use-protection/in-use-protection-controllers.ts';
import { createNamespaceController, type NamespaceOptions } from './namespace/namespace-controller.ts';
import { createNodeIpamController, type NodeIpamOptions } from './node-ipam/node-ipam-controller.ts';
import { createNodeLifecycleController, type NodeLifecycleOptions } from './node-lifecycle/node-lifecycle-controller.ts';
import { createPodGcController, type PodGcOptions } from './pod-gc/pod-gc-controller.ts';
import { createReplicaSetController } from './replicaset/replicaset-controller.ts';
import { createReplicationController } from './replication-controller/replication-controller.ts';
import { createResourceQuotaController, type ResourceQuotaOptions } from './resource-quota/resource-quota-controller.ts';
import { createRootCaController } from './service-accounts/root-ca-controller.ts';
import { createServiceAccountsController } from './service-accounts/service-accounts-controller.ts';
import { createServiceCidrsController } from './service-cidrs/service-cidrs-controller.ts';
import { actingAs, speakingAs } from './speaker.ts';
import { createTaintEvictionController } from './taint-eviction/taint-eviction-controller.ts';

/** Every period and limit has upstream's default. */
export interface ControllersOptions {
  readonly endpoints?: EndpointsOptions;
  readonly endpointSlice?: EndpointSliceOptions;
  readonly garbageCollector?: GarbageCollectorOptions;
  readonly namespace?: NamespaceOptions;
  readonly nodeLifecycle?: NodeLifecycleOptions;
  readonly podGc?: PodGcOptions;
  readonly resourceQuota?: ResourceQuotaOptions;
  /** Left out: nodes get no pod range from here. */
  readonly nodeIpam?: NodeIpamOptions;
  /** PEM of the API server's certificate authority; left out: it is not published. */
  readonly rootCa?: string;
}

/** The controllers, not yet running; `runControllers` runs them. */
export function createControllers(context: ControllerContext, options: ControllersOptions = {}): Controller[] {
  const as = (account: string): ControllerContext => actingAs(context, account);
  return [
    createDeploymentController(speakingAs(as('deployment-controller'), 'deployment-controller')),
    createReplicaSetController(speakingAs(as('replicaset-controller'), 'replicaset-controller')),
    createReplicationController(speakingAs(as('replication-controller'), 'replication-controller')),
    createEndpointSliceController(speakingAs(as('endpointslice-controller'), 'endpoint-slice-controller'), options.endpointSlice),
    createEndpointsController(speakingAs(as('endpoint-controller'), 'endpoint-controller'), options.endpoints),
    createEndpointSliceMirroringController(speakingAs(as('endpointslicemirroring-controller'), 'endpoint-slice-mirroring-controller')),
    createGarbageCollector(speakingAs(as('generic-garbage-collector'), 'garbage-collector-controller'), options.garbageCollector),
    createNamespaceController(as('namespace-controller'), options.namespace),
    createClusterRoleAggregationController(as('clusterrole-aggregation-controller')),
    createServiceAccountsController(as('service-account-controller')),
    ...(options.rootCa !== undefined ? [createRootCaController(as('root-ca-cert-publisher'), { rootCa: options.rootCa })] : []),
    createNodeLifecycleController(speakingAs(as('node-controller'), 'node-controller'), options.nodeLifecycle),
    createTaintEvictionController(speakingAs(as('node-controller'), 'taint-eviction-controller')),
    createPodGcController(as('pod-garbage-collector'), options.podGc),
    createClaimProtection(as('pvc-protection-controller')),
    createVolumeProtection(as('pv-protection-controller')),
    createAttributesClassProtection(as('volumeattributesclass-protection-controller')),
    createServiceCidrsController(as('service-cidrs-controller')),
    createResourceQuotaController(as('resourcequota-controller'), options.resourceQuota),
    ...(options.nodeIpam ? [createNodeIpamController(speakingAs(as('node-controller'), 'cidrAllocator'), options.nodeIpam)] : []),
  ];
}

export type {
  EndpointsOptions,
  EndpointSliceOptions,
  GarbageCollectorOptions,
  NamespaceOptions,
  NodeIpamOptions,
  NodeLifecycleOptions,
  PodGcOptions,
  ResourceQuotaOptions,
};
