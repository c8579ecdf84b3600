/** Makes a pod's sandbox: resolver, hostname, log directory, then the engine. @source kuberuntime createPodSandbox, v1.35 */
import type { corev1 } from '../../api/index.ts';
import { type Ctx, isAbort } from '../../base/index.ts';
import { podDns } from '../containers/dns.ts';
import { podHostname } from '../containers/hostname.ts';
import { nodeHostsFile, podHostsFile } from '../containers/hosts-file.ts';
import { sandboxConfig } from '../containers/sandbox-config.ts';
import { isRuntimeError, type PodSandboxConfig } from '../runtime/runtime.ts';
import { type PodServices, StartError } from './pod-services.ts';

/** The configuration of the sandbox with this attempt; the same for making it and for its containers. */
export async function renderSandbox(pod: corev1.Pod, attempt: number, services: PodServices): Promise<PodSandboxConfig> {
  const { settings, host, recorder } = services;
  const dns = podDns(pod, await services.nodeDns());
  for (const { reason, message } of dns.warnings) recorder.event(pod, { type: 'Warning', reason, message });
  return sandboxConfig({
    pod,
    attempt,
    hostname: podHostname(pod, settings.clusterDomain).hostname,
    dns: dns.config,
    cgroupParent: host.cgroups.path(pod),
    podLogsDir: settings.podLogsDir,
    paths: settings,
  });
}

/**
 * @returns the sandbox's id
 * @throws StartError when the engine cannot make it; the event has been recorded
 */
export async function startSandbox(pod: corev1.Pod, config: PodSandboxConfig, services: PodServices, ctx: Ctx): Promise<string> {
  const { runtime, recorder, startSlots } = services;
  const runtimeHandler = services.runtimeHandler(pod);
  try {
    return await startSlots.use(
      () => runtime.runPodSandbox(config, { signal: ctx.signal, ...(runtimeHandler && { runtimeHandler }) }),
      ctx.signal,
    );
  } catch (cause) {
    if (isAbort(cause, ctx.signal)) throw cause;
    const text = isRuntimeError(cause) ? cause.message : String(cause);
    recorder.event(pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message: `Failed to create pod sandbox: ${text}` });
    throw new StartError('ContainerCreating', text, { cause });
  }
}

/** Writes the pod's /etc/hosts, which needs its address. */
export async function writeHosts(pod: corev1.Pod, ips: readonly string[], { settings, host }: PodServices): Promise<string> {
  const aliases = pod.spec.hostAliases ?? [];
  if (pod.spec.hostNetwork) return host.files.writeHosts(pod, nodeHostsFile(await host.readHosts(), aliases));
  const { label, domain } = podHostname(pod, settings.clusterDomain);
  return host.files.writeHosts(pod, podHostsFile({ ips, hostname: label, domain, aliases }));
}
