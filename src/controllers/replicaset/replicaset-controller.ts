/** Keeps the number of a ReplicaSet's pods. @source pkg/controller/replicaset/replica_set.go, v1.35 */
import { type appsv1, appsv1Resources, labelSelectorMatcher } from '../../api/index.ts';
import type { Controller, ControllerContext } from '../../client/index.ts';
import { replicaSetStatus } from './plan.ts';
import { createReplicaController } from './replica-controller.ts';

export function createReplicaSetController(context: ControllerContext): Controller {
  return createReplicaController<appsv1.ReplicaSet>(context, {
    controllerName: 'replicaset-controller',
    resource: appsv1Resources.replicasets,
    selectorOf: ({ spec }) => labelSelectorMatcher(spec.selector),
    statusOf: replicaSetStatus,
  });
}
