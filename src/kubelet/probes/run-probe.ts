/** Runs a probe once, by whichever action it names. Knows the four actions and nothing of thresholds or timing. */
import type { corev1 } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import type { ProbeTarget } from '../seams.ts';
import { execProbe } from './exec-probe.ts';
import { httpProbe } from './http-probe.ts';
import { ProbeError, type ProbeOutcome, probeUserAgent } from './outcome.ts';
import { probePort } from './probe-port.ts';
import { tcpProbe } from './tcp-probe.ts';

export interface ProbeRunnerDeps {
  readonly runtime: Pick<RuntimeService, 'execSync'>;
  readonly clock: Clock;
}

/** How often a probe that could not be tried is tried at once again. @source prober.go maxProbeRetries */
const maxTries = 3;

/** @throws whatever kept the probe from being tried, at the last of three tries */
export async function runProbe(
  probe: corev1.Probe,
  target: ProbeTarget,
  deps: ProbeRunnerDeps,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  for (let tries = 1; ; tries++) {
    try {
      return await runOnce(probe, target, deps, signal);
    } catch (error) {
      if (signal.aborted || tries === maxTries) throw error;
    }
  }
}

async function runOnce(probe: corev1.Probe, target: ProbeTarget, deps: ProbeRunnerDeps, signal: AbortSignal): Promise<ProbeOutcome> {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  const { container, containerId, podIp } = target;
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (exec) return execProbe(deps.runtime, exec, { containerId, container, timeoutMs }, signal);
  if (httpGet) {
    const to = {
      scheme: httpGet.scheme === 'HTTPS' ? ('https' as const) : ('http' as const),
      host: httpGet.host || podIp,
      port: probePort(httpGet.port, container),
      path: httpGet.path ?? '/',
      headers: httpGet.httpHeaders ?? [],
      userAgent: probeUserAgent,
      timeoutMs,
    };
    return httpProbe(to, deps.clock, signal);
  }
  if (tcpSocket) {
    return tcpProbe({ host: tcpSocket.host || podIp, port: probePort(tcpSocket.port, container), timeoutMs }, deps.clock, signal);
  }
  if (grpc) {
    // Few pods are probed so, and the library is large.
    const { grpcProbe } = await import('./grpc-probe.ts');
    return grpcProbe({ host: podIp, port: grpc.port, service: grpc.service ?? '', timeoutMs }, deps.clock, signal);
  }
  throw new ProbeError(`missing probe handler for ${target.pod.metadata.name}:${container.name}`);
}
