/** Probes by running a command in the container; exit code 0 is success. @source pkg/probe/exec */
import { type corev1, formatDuration, goQuote } from '../../api/index.ts';
import { expandReferences, variableMap } from '../environment/index.ts';
import { isRuntimeError, type RuntimeService } from '../runtime/runtime.ts';
import { maxOutputBytes, type ProbeOutcome } from './outcome.ts';

/** @throws RuntimeError when the engine cannot run it */
export async function execProbe(
  runtime: Pick<RuntimeService, 'execSync'>,
  action: corev1.ExecAction,
  target: { readonly containerId: string; readonly container: corev1.Container; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { containerId, timeoutMs } = target;
  // Only values written in the spec are known here; others are empty, as upstream.
  const variables = variableMap(target.container.env ?? []);
  const command = (action.command ?? []).map((word) => expandReferences(word, (name) => variables.get(name)));
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync({ containerId, command, timeoutMs }, { signal });
    const output = Buffer.concat([stdout, stderr]).subarray(0, maxOutputBytes).toString('utf8');
    return { result: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (!isRuntimeError(error, 'DeadlineExceeded') || signal.aborted) throw error;
    return { result: 'failure', output: `command timed out: ${goQuote(command.join(' '))} timed out after ${formatDuration(timeoutMs)}` };
  }
}
