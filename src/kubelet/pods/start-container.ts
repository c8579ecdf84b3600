/**
 * Starts one container: image, configuration, create, start, postStart hook. Each step that fails is told as an event and thrown as a
 * StartError with the reason that the container's status shows.
 * @source pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer, v1.35
 */
import { type corev1, formatDuration, goQuote } from '../../api/index.ts';
import { type Ctx, isAbort } from '../../base/index.ts';
import { containerConfig } from '../containers/container-config.ts';
import { runHook } from '../containers/hooks.ts';
import { containerMounts } from '../containers/mounts.ts';
import { verifyRunAsNonRoot } from '../containers/security.ts';
import { stopContainer } from '../containers/stop-container.ts';
import { ImageError } from '../images/image-puller.ts';
import { type ContainerConfig, type EngineImage, isRuntimeError, type PodSandboxConfig } from '../runtime/runtime.ts';
import { type AnyContainer, CreateContainerConfigError, type PreparedVolume } from '../seams.ts';
import { containerHash } from './labels.ts';
import { containerFieldPath, formatPod } from './pod-names.ts';
import { nodeMemory, type PodServices, StartError } from './pod-services.ts';
import { type ContainerView, newestContainer, type PodView } from './pod-view.ts';

type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

/** The pod's sandbox and everything that its containers share. */
export interface PodStand {
  readonly pod: corev1.Pod;
  readonly view: PodView;
  readonly sandboxId: string;
  readonly sandboxConfig: PodSandboxConfig;
  readonly ips: readonly string[];
  readonly hostsFile: string;
  readonly volumes: ReadonlyMap<string, PreparedVolume>;
  readonly secrets: readonly corev1.Secret[];
  readonly services: PodServices;
}

/** @throws StartError */
export async function startContainer(container: AnyContainer, stand: PodStand, ctx: Ctx): Promise<void> {
  const { pod, view, services } = stand;
  const newest = newestContainer(view, container.name);
  respectBackoff(container, newest, stand);
  const image = await ensureImage(container, stand, ctx);
  const restartCount = newest ? newest.restartCount + 1 : (await services.host.files.lastLogNumber(pod, container.name)) + 1;
  const config = await configOf(container, image, restartCount, stand, ctx);
  const id = await createAndStart(container, config, stand, ctx);
  if (container.lifecycle?.postStart) await postStart(container, id, stand, ctx);
}

function backoffKey(pod: corev1.Pod, container: AnyContainer): string {
  return `${pod.metadata.uid}/${container.name}/${containerHash(container)}`;
}

function respectBackoff(container: AnyContainer, newest: ContainerView | undefined, { pod, services }: PodStand): void {
  if (newest?.state !== 'exited') return;
  const key = backoffKey(pod, container);
  const endedMs = Number(newest.finishedAt / 1_000_000n);
  const { leftMs, delayMs } = services.backoff.remaining(key, endedMs);
  if (leftMs > 0) {
    event(container, 'Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${formatPod(pod)}`, {
      pod,
      services,
    });
    const message = `back-off ${formatDuration(delayMs)} restarting failed container=${container.name} pod=${formatPod(pod)}`;
    throw new StartError('CrashLoopBackOff', message, { retryMs: leftMs });
  }
  services.backoff.started(key, endedMs);
}

async function ensureImage(container: AnyContainer, stand: PodStand, ctx: Ctx): Promise<EngineImage> {
  const { pod, secrets, sandboxConfig, services } = stand;
  const { image = '' } = container;
  // Ephemeral containers' type says `string`; the API server holds both to the same three values.
  const policy = (container.imagePullPolicy ?? 'IfNotPresent') as PullPolicy;
  const fieldPath = containerFieldPath(pod, container.name);
  try {
    return await services.puller.ensure({ pod, image, policy, fieldPath, secrets, sandboxConfig }, ctx);
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    event(container, 'Warning', 'Failed', `Error: ${cause.reason}`, stand);
    throw new StartError(cause.reason, cause.message, { cause, retryMs: cause.retryMs });
  }
}

async function configOf(
  container: AnyContainer,
  image: EngineImage,
  restartCount: number,
  stand: PodStand,
  ctx: Ctx,
): Promise<ContainerConfig> {
  const { pod, ips, services } = stand;
  const { environment, host, settings } = services;
  try {
    const imageUser = { uid: image.uid ?? (image.username === '' ? 0 : undefined), username: image.username };
    verifyRunAsNonRoot(pod, container, imageUser);
    const hostIps = services.hostIps();
    const podIps = pod.spec.hostNetwork ? hostIps : ips;
    const variables = await environment.build({ pod, container, podIps, hostIps, nodeAllocatable: services.nodeAllocatable() }, ctx);
    const terminationMessageFile = container.terminationMessagePath
      ? await host.files.createTerminationMessage(pod, container.name)
      : undefined;
    const mounts = await containerMounts(
      {
        pod,
        container,
        volumes: stand.volumes,
        volumeManager: services.volumes,
        environment,
        variables,
        hostsFile: stand.hostsFile,
        terminationMessageFile,
        recursiveReadOnlySupported: services.recursiveReadOnly(),
        imageVolumes: await imageVolumes(container, stand, ctx),
      },
      ctx,
    );
    await host.files.prepareLogs(pod, container.name);
    const targetId = targetOf(container, stand);
    return containerConfig({
      pod,
      container,
      restartCount,
      imageRef: image.id,
      imageUser,
      variables,
      mounts,
      environment,
      paths: settings,
      node: nodeMemory(host),
      seccompDefault: settings.seccompDefault,
      ...(targetId !== undefined && { targetId }),
    });
  } catch (cause) {
    if (!(cause instanceof CreateContainerConfigError)) throw cause;
    event(container, 'Warning', 'Failed', `Error: ${cause.message}`, stand);
    throw new StartError('CreateContainerConfigError', cause.message, { cause });
  }
}

/** Image volumes are pulled like images of containers. */
async function imageVolumes(container: AnyContainer, stand: PodStand, ctx: Ctx): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of container.volumeMounts ?? []) {
    const volume = stand.volumes.get(name)?.image;
    if (!volume || found.has(name)) continue;
    const refusal = stand.services.imageVolumesRefusal();
    if (refusal !== undefined) throw new CreateContainerConfigError(refusal);
    const carrier = { ...container, image: volume.reference, imagePullPolicy: volume.pullPolicy };
    found.set(name, (await ensureImage(carrier, stand, ctx)).id);
  }
  return found;
}

/** An ephemeral container may share the processes of another one. */
function targetOf(container: AnyContainer, { view }: PodStand): string | undefined {
  const target = 'targetContainerName' in container ? container.targetContainerName : undefined;
  if (!target) return undefined;
  const newest = newestContainer(view, target);
  if (!newest) throw new CreateContainerConfigError(`unable to find target container ${target}`);
  return newest.id;
}

async function createAndStart(container: AnyContainer, config: ContainerConfig, stand: PodStand, ctx: Ctx): Promise<string> {
  const { sandboxId, sandboxConfig, services } = stand;
  const { runtime } = services;
  const step = async <T>(reason: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      if (isAbort(cause, ctx.signal)) throw cause;
      const text = isRuntimeError(cause) ? cause.detail : String(cause);
      event(container, 'Warning', 'Failed', `Error: ${text}`, stand);
      throw new StartError(reason, text, { cause });
    }
  };
  return services.startSlots.use(async () => {
    const id = await step('CreateContainerError', () => runtime.createContainer({ sandboxId, config, sandboxConfig }, ctx));
    event(container, 'Normal', 'Created', 'Container created', stand);
    await step('RunContainerError', () => runtime.startContainer(id, ctx));
    event(container, 'Normal', 'Started', 'Container started', stand);
    await services.host.files.linkLog(stand.pod, { name: container.name, id, logPath: config.logPath });
    return id;
  }, ctx.signal);
}

async function postStart(container: AnyContainer, id: string, stand: PodStand, ctx: Ctx): Promise<void> {
  const { pod, ips, services } = stand;
  const { runtime, recorder, clock } = services;
  const podIp = (pod.spec.hostNetwork ? services.hostIps() : ips)[0] ?? '';
  try {
    await runHook({ handler: container.lifecycle!.postStart!, container, containerId: id, podIp, runtime, clock, signal: ctx.signal });
  } catch (cause) {
    if (isAbort(cause, ctx.signal)) throw cause;
    ctx.log.warn('a postStart hook failed', { pod: pod.metadata.name, container: container.name, err: cause });
    // The hook's output stays out of the event: it may hold secrets.
    event(container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', stand);
    const started = { id, name: container.name };
    await stopContainer(
      { pod, container: started, reason: 'podEnds', message: 'FailedPostStartHook', podIp, runtime, recorder, clock },
      ctx,
    );
    throw new StartError('PostStartHookError', `PostStartHook failed: ${cause instanceof Error ? cause.message : goQuote(String(cause))}`, {
      cause,
    });
  }
}

function event(
  container: AnyContainer,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  { pod, services }: Pick<PodStand, 'pod' | 'services'>,
): void {
  const fieldPath = containerFieldPath(pod, container.name);
  services.recorder.event(pod, { type, reason, message, ...(fieldPath && { fieldPath }) });
}
