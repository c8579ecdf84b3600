/**
 * What has to be done to bring a pod's sandbox and containers to what its spec wants, computed from one view of the engine. Pure: it
 * starts nothing, waits for nothing and knows no clock. The worker applies the plan and looks again.
 * @source pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions, v1.35
 */
import { type corev1, isSidecar } from '../../api/index.ts';
import type { LinuxResources, PodSandboxStatus } from '../runtime/runtime.ts';
import type { AnyContainer } from '../seams.ts';
import { containerHash } from './labels.ts';
import { type ContainerView, newestContainer, type PodView } from './pod-view.ts';
import { initRestartsOnFailure, shouldRestart } from './restart-rules.ts';

export type KillReason = 'definitionChanged' | 'livenessProbe' | 'startupProbe' | 'resize' | 'unknownState' | 'podEnds';

export interface KillAction {
  readonly container: ContainerView;
  readonly reason: KillReason;
  /** The Killing event's text. */
  readonly message: string;
}

export interface PodPlan {
  /** Stop everything that runs, sandboxes included, before anything else. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  /** The attempt of the sandbox to create, or of the one that stands. */
  readonly attempt: number;
  readonly sandboxId: string | undefined;
  /** In order; those of one plan are started one after the other. */
  readonly initToStart: readonly corev1.Container[];
  readonly containersToStart: readonly corev1.Container[];
  readonly ephemeralToStart: readonly corev1.EphemeralContainer[];
  readonly toKill: readonly KillAction[];
  /** Running containers whose CPU or memory changes in place. */
  readonly toUpdate: readonly UpdateAction[];
}

export interface UpdateAction {
  readonly container: ContainerView;
  readonly resources: LinuxResources;
}

/** What a container shall get, in the kernel's units. */
export type WantedResources = (container: corev1.Container) => LinuxResources;

/** What the probes say of a running container; undefined where they have not said anything yet. */
export type ProbeVerdict = (containerId: string, probe: 'startup' | 'liveness') => 'success' | 'failure' | undefined;

interface Draft {
  killPod: boolean;
  createSandbox: boolean;
  attempt: number;
  sandboxId: string | undefined;
  initToStart: corev1.Container[];
  containersToStart: corev1.Container[];
  ephemeralToStart: corev1.EphemeralContainer[];
  toKill: KillAction[];
  toUpdate: UpdateAction[];
}

/** @param wanted without it, resources are taken to be as they should */
export function planPod(pod: corev1.Pod, view: PodView, verdict: ProbeVerdict, wanted?: WantedResources): PodPlan {
  const sandbox = sandboxNeed(pod, view);
  const plan: Draft = {
    killPod: sandbox.create,
    createSandbox: sandbox.create,
    attempt: sandbox.attempt,
    sandboxId: sandbox.id,
    initToStart: [],
    containersToStart: [],
    ephemeralToStart: [],
    toKill: [],
    toUpdate: [],
  };
  if (sandbox.create) {
    planNewSandbox(pod, view, plan);
    return plan;
  }
  plan.ephemeralToStart = (pod.spec.ephemeralContainers ?? []).filter(({ name }) => !newestContainer(view, name));
  const initialized = planInitContainers(pod, view, verdict, plan);
  if (plan.killPod || !initialized) return plan;
  planContainers(pod, view, verdict, plan);
  if (wanted && !plan.killPod) planResizes(pod, view, wanted, plan);
  return plan;
}

/** Whether a new sandbox has to be made, and its number. @source pkg/kubelet/kuberuntime/util PodSandboxChanged */
export function sandboxNeed(
  pod: corev1.Pod,
  view: PodView,
): { readonly create: boolean; readonly attempt: number; readonly id: string | undefined } {
  const newest = view.sandboxes[0];
  if (!newest) return { create: true, attempt: 0, id: undefined };
  const readyCount = view.sandboxes.filter(({ state }) => state === 'ready').length;
  const onNodeNetwork = pod.spec.hostNetwork === true;
  const changed =
    readyCount > 1 ||
    newest.state !== 'ready' ||
    (newest.namespaces !== undefined && (newest.namespaces.network === 'node') !== onNodeNetwork) ||
    (!onNodeNetwork && newest.ips.length === 0);
  // The engine forgets attempts of sandboxes that are gone; the highest that it knows counts.
  const attempt = Math.max(...view.sandboxes.map(({ metadata }) => metadata.attempt));
  return changed
    ? { create: true, attempt: attempt + 1, id: newest.id }
    : { create: false, attempt: newest.metadata.attempt, id: newest.id };
}

function planNewSandbox(pod: corev1.Pod, view: PodView, plan: Draft): void {
  const hadContainers = view.containers.length > 0;
  if (pod.spec.restartPolicy === 'Never' && plan.attempt !== 0 && hadContainers && !anyRestartRules(pod)) {
    // Its sandbox is gone and nothing may run twice: the pod has ended.
    plan.createSandbox = false;
    return;
  }
  const toStart = pod.spec.containers.filter((container) => {
    const newest = newestContainer(view, container.name);
    return !(newest?.state === 'exited' && newest.exitCode === 0 && !restartsSuccess(pod, container));
  });
  if (toStart.length === 0) {
    plan.createSandbox = false;
    return;
  }
  if (pod.spec.initContainers && pod.spec.initContainers.length > 0) plan.initToStart = [pod.spec.initContainers[0]!];
  else plan.containersToStart = toStart;
}

function restartsSuccess(pod: corev1.Pod, container: corev1.Container): boolean {
  return (container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always') === 'Always';
}

function anyRestartRules(pod: corev1.Pod): boolean {
  return pod.spec.containers.some(({ restartPolicy, restartPolicyRules }) => restartPolicy !== undefined || restartPolicyRules);
}

/** Returns whether initialization is behind the pod. */
function planInitContainers(pod: corev1.Pod, view: PodView, verdict: ProbeVerdict, plan: Draft): boolean {
  const init = pod.spec.initContainers ?? [];
  if (init.length === 0) return true;
  // A regular container that was ever made says that initialization ended once.
  const wasInitialized = pod.spec.containers.some(({ name }) => newestContainer(view, name));
  let initialized = wasInitialized;
  let reached = wasInitialized;
  // From the last to the first: the last one that has an instance is where initialization stands.
  for (let i = init.length - 1; i >= 0; i--) {
    const container = init[i]!;
    const newest = newestContainer(view, container.name);
    if (!newest) {
      if (reached && isSidecar(container)) plan.initToStart.unshift(container);
      continue;
    }
    if (reached && !isSidecar(container)) continue;
    const outcome = isSidecar(container) ? planSidecar(container, newest, verdict, plan) : planInitContainer(pod, container, newest, plan);
    if (outcome === 'podFailed') {
      plan.killPod = true;
      plan.initToStart = [];
      return false;
    }
    if (outcome === 'done' && !reached) {
      const next = init[i + 1];
      if (next) plan.initToStart.push(next);
      else initialized = true;
    }
    reached = true;
  }
  if (!reached) plan.initToStart.unshift(init[0]!);
  return initialized;
}

type InitOutcome = 'done' | 'waiting' | 'podFailed';

function planSidecar(container: corev1.Container, newest: ContainerView, verdict: ProbeVerdict, plan: Draft): InitOutcome {
  switch (newest.state) {
    case 'running': {
      if (container.startupProbe) {
        const startup = verdict(newest.id, 'startup');
        if (startup === 'failure') {
          const message = `Init container ${container.name} failed startup probe`;
          plan.toKill.push({ container: newest, reason: 'startupProbe', message });
          plan.initToStart.unshift(container);
        }
        if (startup !== 'success') return 'waiting';
      }
      if (container.livenessProbe && verdict(newest.id, 'liveness') === 'failure') {
        const message = `Init container ${container.name} failed liveness probe`;
        plan.toKill.push({ container: newest, reason: 'livenessProbe', message });
        plan.initToStart.unshift(container);
      }
      return 'done';
    }
    case 'unknown':
      plan.toKill.push({ container: newest, reason: 'unknownState', message: unknownStateMessage('Init container', newest) });
      plan.initToStart.unshift(container);
      return 'waiting';
    case 'created':
    case 'exited':
      plan.initToStart.unshift(container);
      return 'waiting';
  }
  return 'waiting';
}

function planInitContainer(pod: corev1.Pod, container: corev1.Container, newest: ContainerView, plan: Draft): InitOutcome {
  switch (newest.state) {
    case 'running':
      return 'waiting';
    case 'created':
      plan.initToStart.unshift(container);
      return 'waiting';
    case 'exited':
      if (newest.exitCode === 0) return 'done';
      if (!initRestartsOnFailure(pod, container, newest.exitCode)) return 'podFailed';
      plan.initToStart.unshift(container);
      return 'waiting';
    case 'unknown':
      if (!initRestartsOnFailure(pod, container, 137)) return 'podFailed';
      plan.toKill.push({ container: newest, reason: 'unknownState', message: unknownStateMessage('Init container', newest) });
      plan.initToStart.unshift(container);
      return 'waiting';
  }
  return 'waiting';
}

function planContainers(pod: corev1.Pod, view: PodView, verdict: ProbeVerdict, plan: Draft): void {
  let keep = 0;
  for (const container of pod.spec.containers) {
    const newest = newestContainer(view, container.name);
    if (newest?.state !== 'running') {
      if (!shouldRestart(pod, container, view)) continue;
      if (newest?.state === 'unknown') {
        plan.toKill.push({ container: newest, reason: 'unknownState', message: unknownStateMessage('Container', newest) });
      }
      plan.containersToStart.push(container);
      continue;
    }
    const reason = killReason(container, newest, verdict);
    if (!reason) {
      keep++;
      continue;
    }
    const restart = reason.kind === 'definitionChanged' || (container.restartPolicy ?? pod.spec.restartPolicy) !== 'Never';
    if (restart) plan.containersToStart.push(container);
    plan.toKill.push({
      container: newest,
      reason: reason.kind,
      message: restart ? `${reason.message}, will be restarted` : reason.message,
    });
  }
  if (keep === 0 && plan.containersToStart.length === 0 && plan.toKill.length === 0) {
    // Every regular container has ended for good: the sidecars have nothing left to serve.
    plan.killPod = true;
    plan.initToStart = [];
  }
}

function killReason(
  container: AnyContainer,
  newest: ContainerView,
  verdict: ProbeVerdict,
): { readonly kind: KillReason; readonly message: string } | undefined {
  if (newest.hash !== '' && newest.hash !== containerHash(container)) {
    return { kind: 'definitionChanged', message: `Container ${container.name} definition changed` };
  }
  if (container.livenessProbe && verdict(newest.id, 'liveness') === 'failure') {
    return { kind: 'livenessProbe', message: `Container ${container.name} failed liveness probe` };
  }
  if (container.startupProbe && verdict(newest.id, 'startup') === 'failure') {
    return { kind: 'startupProbe', message: `Container ${container.name} failed startup probe` };
  }
  return undefined;
}

/** @source kuberuntime computePodResizeAction; KEP-1287 */
function planResizes(pod: corev1.Pod, view: PodView, wanted: WantedResources, plan: Draft): void {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar);
  for (const container of [...sidecars, ...pod.spec.containers]) {
    const newest = newestContainer(view, container.name);
    if (newest?.state !== 'running' || !newest.resources || plan.toKill.some((kill) => kill.container.id === newest.id)) continue;
    const resources = wanted(container);
    const changed = resourceChanges(newest.resources, resources);
    if (changed.length === 0) continue;
    const restart = container.resizePolicy?.some(
      ({ resourceName, restartPolicy }) => restartPolicy === 'RestartContainer' && changed.includes(resourceName),
    );
    if (!restart) {
      plan.toUpdate.push({ container: newest, resources });
      continue;
    }
    plan.toKill.push({ container: newest, reason: 'resize', message: `Container ${container.name} resize requires restart` });
    if (isSidecar(container) && sidecars.includes(container)) plan.initToStart.push(container);
    else plan.containersToStart.push(container);
  }
}

/** Names of the resources that differ. Engines report what they do not know as zero. */
function resourceChanges(now: LinuxResources, wanted: LinuxResources): string[] {
  const changed: string[] = [];
  const quota = (resources: LinuxResources): number => Math.max(resources.cpuQuota ?? 0, 0);
  const shares = now.cpuShares !== undefined && now.cpuShares !== 0 && now.cpuShares !== wanted.cpuShares;
  if (shares || quota(now) !== quota(wanted)) changed.push('cpu');
  if ((now.memoryLimitBytes ?? 0n) !== (wanted.memoryLimitBytes ?? 0n)) changed.push('memory');
  return changed;
}

function unknownStateMessage(what: string, container: ContainerView): string {
  return `${what} is in "${container.state}" state, try killing it before restart`;
}

/** True when there is nothing to do. */
export function isIdle(plan: PodPlan): boolean {
  return (
    !plan.killPod &&
    !plan.createSandbox &&
    plan.initToStart.length === 0 &&
    plan.containersToStart.length === 0 &&
    plan.ephemeralToStart.length === 0 &&
    plan.toKill.length === 0 &&
    plan.toUpdate.length === 0
  );
}

/** Older sandboxes, to be removed once a newer one stands. */
export function staleSandboxes(view: PodView): readonly PodSandboxStatus[] {
  return view.sandboxes.slice(1);
}
