/**
 * The pod conditions that the kubelet owns. Pure; transition times are the status manager's.
 * @source pkg/kubelet/status/generate.go, v1.35
 */
import { containerStatusOf, type corev1, getCondition, goQuote, isSidecar } from '../../api/index.ts';
import type { PodPhase } from './phase.ts';

/** Conditions of these types in a stored status are the kubelet's to change; all others belong to somebody else. */
export const ownedConditions: ReadonlySet<string> = new Set([
  'PodScheduled',
  'Ready',
  'Initialized',
  'ContainersReady',
  'PodReadyToStartContainers',
  'PodResizePending',
  'PodResizeInProgress',
  'DisruptionTarget',
]);

export interface ConditionsInput {
  readonly pod: corev1.Pod;
  readonly phase: PodPhase;
  readonly initStatuses: readonly corev1.ContainerStatus[];
  readonly statuses: readonly corev1.ContainerStatus[];
  /** A sandbox with its network stands. */
  readonly sandboxReady: boolean;
}

/** In the order in which upstream writes them. */
export function podConditions(input: ConditionsInput): corev1.PodCondition[] {
  const { pod } = input;
  const containersReady = containersReadyCondition(input);
  const scheduled = getCondition(pod.status?.conditions, 'PodScheduled');
  const all: corev1.PodCondition[] = [
    { type: 'PodReadyToStartContainers', status: input.sandboxReady ? 'True' : 'False' },
    initializedCondition(input),
    readyCondition(pod, containersReady),
    containersReady,
    scheduled ? { ...scheduled } : { type: 'PodScheduled', status: 'True' },
  ];
  const observedGeneration = pod.metadata.generation;
  return observedGeneration === undefined ? all : all.map((condition) => ({ ...condition, observedGeneration }));
}

/** A Go slice of names, as `%s` prints it. */
function list(names: readonly string[]): string {
  return `[${names.join(' ')}]`;
}

function describe(parts: readonly (readonly [what: string, names: readonly string[]])[]): string {
  return parts
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `containers with ${what} status: ${list(names)}`)
    .join(', ');
}

function terminalReason(phase: PodPhase): string {
  return phase === 'Failed' ? 'PodFailed' : 'PodCompleted';
}

function containersReadyCondition({ pod, phase, initStatuses, statuses }: ConditionsInput): corev1.PodCondition {
  const unknown: string[] = [];
  const unready: string[] = [];
  const look = (name: string, from: readonly corev1.ContainerStatus[]): void => {
    const status = containerStatusOf(from, name);
    if (!status) unknown.push(name);
    else if (!status.ready) unready.push(name);
  };
  for (const container of pod.spec.initContainers ?? []) if (isSidecar(container)) look(container.name, initStatuses);
  for (const { name } of pod.spec.containers) look(name, statuses);
  if (phase === 'Failed' || (phase === 'Succeeded' && unknown.length === 0)) {
    return { type: 'ContainersReady', status: 'False', reason: terminalReason(phase) };
  }
  const message = describe([
    ['unknown', unknown],
    ['unready', unready],
  ]);
  return message === ''
    ? { type: 'ContainersReady', status: 'True' }
    : { type: 'ContainersReady', status: 'False', reason: 'ContainersNotReady', message };
}

function readyCondition(pod: corev1.Pod, containersReady: corev1.PodCondition): corev1.PodCondition {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' };
  const faults: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const gate = getCondition(pod.status?.conditions, conditionType);
    if (!gate) faults.push(`corresponding condition of pod readiness gate ${goQuote(conditionType)} does not exist.`);
    else if (gate.status !== 'True') {
      faults.push(`the status of pod readiness gate ${goQuote(conditionType)} is not "True", but ${gate.status}`);
    }
  }
  return faults.length === 0
    ? { type: 'Ready', status: 'True' }
    : { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: faults.join(', ') };
}

function initializedCondition({ pod, phase, initStatuses, statuses }: ConditionsInput): corev1.PodCondition {
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const container of pod.spec.initContainers ?? []) {
    const status = containerStatusOf(initStatuses, container.name);
    if (!status) unknown.push(container.name);
    else if (isSidecar(container) ? !status.started : !status.ready) incomplete.push(container.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { type: 'Initialized', status: 'True', reason: 'PodCompleted' };
  // A regular container that started once says that initialization is over, even while a sidecar restarts.
  if (anyRegularStarted(pod, statuses)) return { type: 'Initialized', status: 'True' };
  const message = describe([
    ['unknown', unknown],
    ['incomplete', incomplete],
  ]);
  return message === ''
    ? { type: 'Initialized', status: 'True' }
    : { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message };
}

function anyRegularStarted(pod: corev1.Pod, statuses: readonly corev1.ContainerStatus[]): boolean {
  return pod.spec.containers.some(({ name }) => {
    const status = containerStatusOf(statuses, name);
    return status && (status.started || status.lastState?.terminated || status.state?.running || status.state?.terminated);
  });
}
