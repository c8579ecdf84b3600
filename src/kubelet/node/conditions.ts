/**
 * The node's conditions, in upstream's words. Pure. @source pkg/kubelet/nodestatus/setters.go, v1.35
 */
import { type corev1, getCondition } from '../../api/index.ts';
import type { PressureKind } from '../eviction/thresholds.ts';

interface Words {
  readonly holds: readonly [reason: string, message: string];
  readonly holdsNot: readonly [reason: string, message: string];
}

const pressureWords: Readonly<Record<PressureKind, Words>> = {
  MemoryPressure: {
    holds: ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
    holdsNot: ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  },
  DiskPressure: {
    holds: ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
    holdsNot: ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  },
  PIDPressure: {
    holds: ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
    holdsNot: ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  },
};

export interface NodeHealth {
  readonly pressures: readonly PressureKind[];
  /** Why the node cannot run pods; empty when it can. */
  readonly faults: readonly string[];
}

/** In upstream's order. Transition times follow from what was stored before. */
export function nodeConditions(
  health: NodeHealth,
  previous: readonly corev1.NodeCondition[] | undefined,
  now: string,
): corev1.NodeCondition[] {
  const conditions = (Object.keys(pressureWords) as PressureKind[]).map((type) => {
    const holds = health.pressures.includes(type);
    const [reason, message] = pressureWords[type][holds ? 'holds' : 'holdsNot'];
    return { type, status: holds ? 'True' : 'False', reason, message };
  });
  const all = [...conditions, readyCondition(health.faults)];
  return all.map((condition) => {
    const old = getCondition(previous, condition.type);
    const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
  });
}

function readyCondition(faults: readonly string[]): { type: string; status: string; reason: string; message: string } {
  if (faults.length === 0) return { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
  const message = faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`;
  return { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message };
}

/** The event that tells of a condition's change, such as `NodeReady` or `NodeHasSufficientMemory`. */
export function conditionEvent({ type, status }: corev1.NodeCondition): string | undefined {
  const holds = status === 'True';
  switch (type) {
    case 'Ready':
      return holds ? 'NodeReady' : 'NodeNotReady';
    case 'MemoryPressure':
      return holds ? 'NodeHasInsufficientMemory' : 'NodeHasSufficientMemory';
    case 'DiskPressure':
      return holds ? 'NodeHasDiskPressure' : 'NodeHasNoDiskPressure';
    case 'PIDPressure':
      return holds ? 'NodeHasInsufficientPID' : 'NodeHasSufficientPID';
    default:
      return undefined;
  }
}
