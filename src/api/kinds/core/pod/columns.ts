/**
 * The table of pods: how `kubectl get pods` sums up a pod's containers in READY, STATUS and RESTARTS.
 * @source pkg/printers/internalversion/printers.go printPod, v1.35
 */
import { ageOf } from '../../../duration.ts';
import type { ContainerStatus, Pod } from '../../../gen/core-v1.ts';
import { getCondition, isConditionTrue } from '../../../conditions.ts';
import { isPodReady, isPodTerminal, isSidecar } from '../../../pod-status.ts';
import type { PrinterColumn } from '../../../resource-definition.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../../standard-columns.ts';

export const podColumns: readonly PrinterColumn<Pod>[] = [
  nameColumn,
  column('Ready', 'string', 'How many containers are ready, of how many.', (pod) => {
    const { ready, total } = summarizePod(pod);
    return `${ready}/${total}`;
  }),
  column('Status', 'string', 'What the containers are doing, in one word.', (pod) => summarizePod(pod).reason),
  column('Restarts', 'string', 'How often containers were restarted, and when last.', (pod, nowMs) => {
    const { restarts, lastRestart } = summarizePod(pod);
    return restarts !== 0 && lastRestart !== '' ? `${restarts} (${ageOf(lastRestart, nowMs)} ago)` : String(restarts);
  }),
  ageColumn,
  wideColumn('IP', 'string', 'The address of the pod.', ({ status }) => status.podIPs?.[0]?.ip || '<none>'),
  wideColumn('Node', 'string', 'The node that the pod runs on.', ({ spec }) => spec.nodeName || '<none>'),
  wideColumn('Nominated Node', 'string', 'The node that preemption makes room on.', ({ status }) => status.nominatedNodeName || '<none>'),
  wideColumn('Readiness Gates', 'string', 'How many readiness gates are open, of how many.', formatReadinessGates),
];

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  /** RFC 3339, empty when there is none. */
  readonly lastRestart: string;
}

/** What the three columns say of a pod. */
export function summarizePod(pod: Pod): Summary {
  const { spec, status } = pod;
  const init = initSummary(pod);
  let total = (spec.containers ?? []).length;
  for (const container of spec.initContainers ?? []) if (isSidecar(container)) total++;
  let { ready, restarts, lastRestart } = init;
  let reason = init.reason ?? scheduledReason(pod);
  if (init.reason === undefined || isConditionTrue(status.conditions, 'Initialized')) {
    const main = mainSummary(pod, reason);
    ready += main.ready;
    reason = main.reason;
    restarts = init.sidecarRestarts + main.restarts;
    lastRestart = later(init.lastSidecarRestart, main.lastRestart);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') reason = 'Unknown';
    else if (!isPodTerminal(pod)) reason = 'Terminating';
  }
  return { ready, total, reason, restarts, lastRestart };
}

function scheduledReason({ status }: Pod): string {
  if (getCondition(status.conditions, 'PodScheduled')?.reason === 'SchedulingGated') return 'SchedulingGated';
  return status.reason || (status.phase ?? '');
}

interface InitSummary {
  ready: number;
  restarts: number;
  lastRestart: string;
  sidecarRestarts: number;
  lastSidecarRestart: string;
  /** Set while init containers are not through. */
  reason?: string;
}

function initSummary({ spec, status }: Pod): InitSummary {
  const summary: InitSummary = { ready: 0, restarts: 0, lastRestart: '', sidecarRestarts: 0, lastSidecarRestart: '' };
  const containers = spec.initContainers ?? [];
  const sidecars = new Set(containers.filter(isSidecar).map(({ name }) => name));
  for (const [i, one] of (status.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(one.name);
    summary.restarts += one.restartCount ?? 0;
    summary.lastRestart = later(summary.lastRestart, finishedAt(one));
    if (sidecar) {
      summary.sidecarRestarts += one.restartCount ?? 0;
      summary.lastSidecarRestart = later(summary.lastSidecarRestart, finishedAt(one));
    }
    if (one.state?.terminated && (one.state.terminated.exitCode ?? 0) === 0) continue;
    if (sidecar && one.started === true) {
      if (one.ready) summary.ready++;
      continue;
    }
    summary.reason = initReason(one) ?? `Init:${i}/${containers.length}`;
    break;
  }
  return summary;
}

function initReason({ state }: ContainerStatus): string | undefined {
  if (state?.terminated) return `Init:${terminatedReason(state.terminated)}`;
  const waiting = state?.waiting?.reason;
  return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : undefined;
}

function mainSummary(pod: Pod, before: string): Pick<Summary, 'ready' | 'reason' | 'restarts' | 'lastRestart'> {
  const statuses = pod.status.containerStatuses ?? [];
  let [reason, ready, restarts, lastRestart, running, failure] = [before, 0, 0, '', false, ''];
  for (const one of statuses.toReversed()) {
    restarts += one.restartCount ?? 0;
    lastRestart = later(lastRestart, finishedAt(one));
    if (one.state?.waiting?.reason) reason = one.state.waiting.reason;
    else if (one.state?.terminated) {
      const { exitCode, signal } = one.state.terminated;
      reason = terminatedReason(one.state.terminated);
      if (exitCode || signal) failure = reason;
    } else if (one.ready && one.state?.running) {
      running = true;
      ready++;
    }
  }
  // Some containers have ended well while others go on or have failed.
  if (reason === 'Completed') {
    if (running && isPodReady(pod)) reason = 'Running';
    else if (failure !== '') reason = failure;
    else if (running) reason = 'NotReady';
  }
  return { ready, reason, restarts, lastRestart };
}

function terminatedReason({
  reason,
  signal,
  exitCode,
}: {
  readonly reason?: string;
  readonly signal?: number;
  readonly exitCode?: number;
}): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`);
}

function finishedAt({ lastState }: ContainerStatus): string {
  return lastState?.terminated?.finishedAt ?? '';
}

function later(a: string, b: string): string {
  if (a === '' || b === '') return a || b;
  return Date.parse(b) > Date.parse(a) ? b : a;
}

function formatReadinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) => isConditionTrue(status.conditions, conditionType)).length;
  return `${open}/${gates.length}`;
}
