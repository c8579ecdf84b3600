/**
 * Runs the postStart and preStop hooks of a container: a command inside it, an HTTP request to it, or a pause.
 * @source pkg/kubelet/lifecycle/handlers.go, v1.35
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { corev1 } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import type { AnyContainer } from '../seams.ts';

/** The hook did not succeed; the message is for the log, never for an event (it may hold what the container printed). */
export class HookError extends Error {
  override readonly name = 'HookError';
}

export interface HookInput {
  readonly handler: corev1.LifecycleHandler;
  readonly container: AnyContainer;
  readonly containerId: string;
  readonly podIp: string;
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  /** Ends the hook by force; for preStop the grace period. */
  readonly signal: AbortSignal;
}

/** @throws HookError */
export async function runHook({ handler, container, containerId, podIp, runtime, clock, signal }: HookInput): Promise<void> {
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    const { exitCode, stdout, stderr } = await runtime.execSync({ containerId, command, timeoutMs: 0 }, { signal });
    if (exitCode !== 0) {
      const output = Buffer.concat([stdout, stderr]).toString('utf8');
      throw new HookError(`command '${command.join(' ')}' exited with ${exitCode}: ${output}`);
    }
  } else if (handler.httpGet) {
    await httpGet(handler.httpGet, container, podIp, signal);
  } else if (handler.sleep) {
    await clock.sleep(handler.sleep.seconds * 1000, signal);
  } else {
    throw new HookError('invalid handler: nothing to run');
  }
}

/** @throws HookError when the port's name is none of the container's */
export function portNumber(port: number | string, container: AnyContainer): number {
  const number = typeof port === 'number' ? port : (container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port));
  if (!Number.isInteger(number) || number < 1 || number > 65535) throw new HookError(`couldn't find port: ${port} in ${container.name}`);
  return number;
}

function httpGet(action: corev1.HTTPGetAction, container: AnyContainer, podIp: string, signal: AbortSignal): Promise<void> {
  const secure = action.scheme === 'HTTPS';
  const headers: Record<string, string | string[]> = { 'User-Agent': 'kube-lifecycle', Accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  const host = action.host || podIp;
  const port = portNumber(action.port, container);
  const path = (action.path ?? '').startsWith('/') ? action.path! : `/${action.path ?? ''}`;
  return new Promise((resolve, reject) => {
    const options = { host, port, path, headers, signal, agent: false as const };
    const onResponse = (response: NodeJS.ReadableStream & { statusCode?: number | undefined }): void => {
      response.resume();
      // Like upstream, what the server answers does not matter, only that it does.
      resolve();
    };
    const request = secure ? httpsRequest({ ...options, rejectUnauthorized: false }, onResponse) : httpRequest(options, onResponse);
    request.once('error', (cause) => reject(new HookError(`HTTP request failed: ${cause.message}`, { cause })));
    request.end();
  });
}
