/**
 * Keeps the number of a ReplicationController's pods, by the code that does it for ReplicaSets; only the selector is of another shape.
 * @source pkg/controller/replication, v1.35
 */
import { type corev1, corev1Resources, labelsMatcher } from '../../api/index.ts';
import type { Controller, ControllerContext } from '../../client/index.ts';
import { replicaSetStatus } from '../replicaset/plan.ts';
import { createReplicaController } from '../replicaset/replica-controller.ts';

export function createReplicationController(context: ControllerContext): Controller {
  return createReplicaController<corev1.ReplicationController>(context, {
    controllerName: 'replicationcontroller-controller',
    resource: corev1Resources.replicationcontrollers,
    selectorOf: ({ spec }) => labelsMatcher(spec.selector ?? {}),
    statusOf: (...args) => {
      // The older kind does not tell how many pods are ending.
      const { terminatingReplicas: _, ...status } = replicaSetStatus(...args);
      return status;
    },
  });
}
