/**
 * One pass of bringing a pod to what its spec wants: look, plan, apply, look again, publish. It may be called at any time and again
 * after any failure; it returns when to look next at the latest.
 * @source pkg/kubelet/kubelet.go SyncPod, kuberuntime SyncPod, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { type Ctx, isAbort } from '../../base/index.ts';
import { containerResources, podCgroupLimits } from '../containers/container-resources.ts';
import { HostnameError } from '../containers/hostname.ts';
import { stopContainer } from '../containers/stop-container.ts';
import { isRuntimeError } from '../runtime/runtime.ts';
import { type AnyContainer, VolumeError } from '../seams.ts';
import { collectContainers } from './collect-containers.ts';
import { allContainers } from './pod-names.ts';
import { type PodRecord, publishStatus, readMessages } from './pod-record.ts';
import { nodeMemory, type PodServices, StartError } from './pod-services.ts';
import { newestContainer, type PodView, viewIps } from './pod-view.ts';
import { isIdle, planPod, type PodPlan, type ProbeVerdict, type WantedResources } from './plan.ts';
import { startContainer, type PodStand } from './start-container.ts';
import { renderSandbox, startSandbox, writeHosts } from './start-sandbox.ts';
import { killRunning } from './terminate-pod.ts';

/** `ended`: nothing of the pod will run again, stop what is left. `failed`: try again with back-off. */
export type SyncOutcome =
  | { readonly type: 'settled'; readonly nextMs: number | undefined }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'ended' };

export async function syncPod(record: PodRecord, services: PodServices, ctx: Ctx): Promise<SyncOutcome> {
  const { pod } = record;
  const { uid } = pod.metadata;
  const view = await look(record, services, ctx);
  if (publishStatus(record, view, false, services)) return { type: 'ended' };
  if (!pod.spec.hostNetwork) {
    const why = services.networkUnready();
    if (why !== undefined) {
      services.recorder.event(pod, { type: 'Warning', reason: 'NetworkNotReady', message: `network is not ready: ${why}` });
      return { type: 'failed', error: new StartError('NetworkNotReady', why) };
    }
  }
  const plan = planPod(pod, view, verdictOf(services), wantedResources(pod, services));
  if (isIdle(plan)) {
    watchContainers(record, view, services);
    await collectContainers(view, services, ctx);
    return { type: 'settled', nextMs: undefined };
  }
  const failures: unknown[] = [];
  try {
    await apply(record, view, plan, services, ctx, failures);
  } finally {
    services.views.invalidate(uid);
  }
  const after = await look(record, services, ctx);
  watchContainers(record, after, services);
  measureStart(record, after, services);
  if (publishStatus(record, after, false, services)) return { type: 'ended' };
  if (failures.length > 0) return outcomeOf(failures);
  // Whatever the plan could not do in one pass (the next init container, say) is planned anew at once if it can be.
  const next = planPod(pod, after, verdictOf(services), wantedResources(pod, services));
  return { type: 'settled', nextMs: isIdle(next) ? undefined : 0 };
}

async function look(record: PodRecord, services: PodServices, ctx: Ctx): Promise<PodView> {
  const { uid, name, namespace = '' } = record.pod.metadata;
  const view = await services.views.view({ uid, name, namespace }, ctx);
  await readMessages(record, view, services);
  return view;
}

function wantedResources(pod: corev1.Pod, { host }: PodServices): WantedResources {
  const node = nodeMemory(host);
  return (container) => containerResources(pod, container, node);
}

/** What the prober found again after a restart of the kubelet counts like a report. */
function verdictOf({ prober, probes }: PodServices): ProbeVerdict {
  return (id, probe) => (probe === 'startup' && prober.result(id).started ? 'success' : probes.verdict(id, probe));
}

/** Measures the start of a pod, once. */
function measureStart(record: PodRecord, view: PodView, { clock, metrics }: PodServices): void {
  if (record.firstSeenMs === undefined) return;
  const running = record.pod.spec.containers.every(({ name }) => newestContainer(view, name)?.state === 'running');
  if (!running) return;
  metrics.podStarted((clock.now() - record.firstSeenMs) / 1000);
  record.firstSeenMs = undefined;
}

/** Tells the prober of containers that run; it knows those that it has seen. */
function watchContainers(record: PodRecord, view: PodView, services: PodServices): void {
  const { pod } = record;
  const podIp = (pod.spec.hostNetwork ? services.hostIps() : viewIps(view))[0] ?? '';
  for (const container of allContainers(pod)) {
    const newest = view.containers.find(({ name }) => name === container.name);
    if (newest?.state === 'running') {
      // Ephemeral containers have no probes; the type says so by leaving them undefined.
      const spec = container as corev1.Container;
      const startedAtMs = Number(newest.startedAt / 1_000_000n);
      services.prober.containerRunning({ pod, container: spec, containerId: newest.id, podIp, startedAtMs });
      record.waiting.delete(container.name);
    } else if (newest) services.prober.containerGone(newest.id);
  }
}

async function apply(record: PodRecord, view: PodView, plan: PodPlan, services: PodServices, ctx: Ctx, failures: unknown[]): Promise<void> {
  const { pod } = record;
  const { recorder, runtime } = services;
  if (plan.killPod) {
    if (plan.createSandbox && plan.sandboxId !== undefined) {
      const message = 'Pod sandbox changed, it will be killed and re-created.';
      recorder.event(pod, { type: 'Normal', reason: 'SandboxChanged', message });
    }
    await killRunning({ pod, view, reason: 'podEnds', services }, ctx);
    for (const { id } of view.sandboxes) await runtime.stopPodSandbox(id, ctx);
    if (!plan.createSandbox) return;
  } else {
    await Promise.all(
      plan.toKill.map(({ container, reason, message }) => {
        services.prober.containerGone(container.id);
        const podIp = viewIps(view)[0] ?? '';
        return stopContainer({ pod, container, reason, message, podIp, runtime, recorder, clock: services.clock }, ctx);
      }),
    );
  }
  await resize(pod, plan, services, ctx);
  if (plan.toUpdate.length > 0 && !plan.createSandbox && !startsAnything(plan)) return;
  const stand = await raiseStand(record, view, plan, services, ctx);
  await startAll(record, plan, stand, ctx, failures);
}

function startsAnything({ initToStart, containersToStart, ephemeralToStart }: PodPlan): boolean {
  return initToStart.length + containersToStart.length + ephemeralToStart.length > 0;
}

/** The pod's own group first, so that what its containers get more of fits into it. */
async function resize(
  pod: corev1.Pod,
  { toUpdate }: PodPlan,
  { runtime, host, settings, podsChanged }: PodServices,
  ctx: Ctx,
): Promise<void> {
  if (toUpdate.length === 0) return;
  host.cgroups.ensure(pod, { ...podCgroupLimits(pod), pids: settings.podPidsLimit });
  for (const { container, resources } of toUpdate) await runtime.updateContainerResources(container.id, resources, ctx);
  podsChanged();
}

/** Volumes, cgroup, sandbox and hosts file: all that containers stand on. */
async function raiseStand(record: PodRecord, view: PodView, plan: PodPlan, services: PodServices, ctx: Ctx): Promise<PodStand> {
  const { pod } = record;
  const { host, settings, runtime, volumes } = services;
  host.cgroups.ensure(pod, { ...podCgroupLimits(pod), pids: settings.podPidsLimit });
  await host.files.prepare(pod);
  const [prepared, secrets, sandboxConfig] = await Promise.all([
    volumes.prepare(pod, ctx),
    services.pullSecrets(pod, ctx),
    renderSandboxOrTell(pod, plan.attempt, services),
  ]);
  let { sandboxId } = plan;
  let ips = viewIps(view);
  if (plan.createSandbox || sandboxId === undefined) {
    services.podsChanged();
    sandboxId = await startSandbox(pod, sandboxConfig, services, ctx);
    ips = (await runtime.podSandboxStatus(sandboxId, ctx)).ips;
  }
  await services.guardPod(pod, ips, ctx.signal);
  const hostsFile = await writeHosts(pod, ips, services);
  // After a kill the instances that still look alive in this view have ended; a new pod has none, and nobody waits for another look.
  const isStale = view.containers.length > 0 && (plan.killPod || plan.toKill.length > 0);
  const settledView = isStale ? await freshView(record, services, ctx) : view;
  return { pod, view: settledView, sandboxId, sandboxConfig, ips, hostsFile, volumes: prepared, secrets, services };
}

async function freshView(record: PodRecord, services: PodServices, ctx: Ctx): Promise<PodView> {
  services.views.invalidate(record.pod.metadata.uid);
  return look(record, services, ctx);
}

async function renderSandboxOrTell(pod: corev1.Pod, attempt: number, services: PodServices): ReturnType<typeof renderSandbox> {
  try {
    return await renderSandbox(pod, attempt, services);
  } catch (error) {
    if (!(error instanceof HostnameError)) throw error;
    const message = `Failed to create pod sandbox: ${error.message}`;
    services.recorder.event(pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message });
    throw new StartError('ContainerCreating', error.message, { cause: error });
  }
}

async function startAll(record: PodRecord, plan: PodPlan, stand: PodStand, ctx: Ctx, failures: unknown[]): Promise<void> {
  const start = async (container: AnyContainer): Promise<boolean> => {
    try {
      await startContainer(container, stand, ctx);
      record.waiting.delete(container.name);
      return true;
    } catch (error) {
      if (isAbort(error, ctx.signal)) throw error;
      failures.push(error);
      if (error instanceof StartError) record.waiting.set(container.name, { reason: error.reason, message: error.message });
      return false;
    }
  };
  for (const container of plan.ephemeralToStart) await start(container);
  for (const container of plan.initToStart) if (!(await start(container))) return;
  // In parallel, but for a container with a postStart hook: those after it wait for it, which charts rely on.
  let started: Promise<boolean>[] = [];
  for (const container of plan.containersToStart) {
    started.push(start(container));
    if (container.lifecycle?.postStart) {
      await Promise.all(started);
      started = [];
    }
  }
  await Promise.all(started);
}

/** The next try: when the first of the failures says so. A failure that names no time is the worker's to back off from. */
function outcomeOf(failures: readonly unknown[]): SyncOutcome {
  const times = failures.map((failure) => (failure instanceof StartError ? failure.retryMs : undefined));
  const known = times.filter((time) => time !== undefined);
  if (known.length === failures.length) return { type: 'settled', nextMs: Math.min(...known) };
  return { type: 'failed', error: failures[times.indexOf(undefined)] };
}

/** Failures that are told as events already, or will pass: the log need not shout. */
export function isExpectedFailure(error: unknown): boolean {
  return error instanceof StartError || error instanceof VolumeError || isRuntimeError(error, 'Unavailable');
}
