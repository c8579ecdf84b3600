/** How far a rolling update of a DaemonSet may go at a time, in whole pods; percentages round up. @source pkg/controller/daemon/util, v1.35 */
import { type appsv1, scaledValue } from '../../api/index.ts';

type DaemonSet = appsv1.DaemonSet;

export interface UpdateBounds {
  /** Nodes with an old pod that may have a new one beside it. */
  readonly maxSurge: number;
  /** Nodes that may be without a pod that is available. */
  readonly maxUnavailable: number;
}

/** @param wanted how many nodes should have a pod */
export function updateBounds({ spec }: DaemonSet, wanted: number): UpdateBounds {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  const bound = (value: string | number = 0): number => scaledValue(value, { total: wanted, round: 'up' });
  const isRolling = type === 'RollingUpdate' && rollingUpdate !== undefined;
  const maxSurge = isRolling ? bound(rollingUpdate.maxSurge) : 0;
  const maxUnavailable = isRolling ? bound(rollingUpdate.maxUnavailable) : 0;
  // With neither, an update would never go on.
  return { maxSurge, maxUnavailable: wanted > 0 && maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}

export function allowsSurge(daemonSet: DaemonSet): boolean {
  return updateBounds(daemonSet, 1).maxSurge > 0;
}
