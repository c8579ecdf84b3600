/** Probes by an HTTP GET; 200 to 399 is success. @source pkg/probe/http */
import type { Clock } from '../../base/index.ts';
import { httpGet, HttpGetError, type HttpGetTarget } from './http-get.ts';
import type { ProbeOutcome } from './outcome.ts';

export async function httpProbe(target: HttpGetTarget, clock: Clock, signal: AbortSignal): Promise<ProbeOutcome> {
  try {
    const { status, body } = await httpGet(target, clock, signal);
    if (status < 200 || status >= 400) return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
    if (status >= 300) return { result: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    return { result: 'success', output: body };
  } catch (error) {
    if (!(error instanceof HttpGetError)) throw error;
    return { result: 'failure', output: error.message };
  }
}
