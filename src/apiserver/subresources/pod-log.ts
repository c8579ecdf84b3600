/** `pods/log`: the log of a container, as the kubelet streams it. @source kubernetes pkg/registry/core/pod/rest/log.go */
import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest, internalError } from '../../api/index.ts';
import type { SubresourceHandler } from '../extension.ts';
import { authorityOf, dialFailure, openRequest, passOn } from '../proxying/index.ts';
import type { Registry } from '../storage.ts';
import type { KubeletConnector } from './kubelet-connector.ts';
import { parseLogOptions } from './log-options.ts';
import { containerOf, findPod } from './pod-container.ts';

/** Most of a kubelet's own error text that is told on. */
const maxErrorBytes = 50_000;

export function podLogHandler(registry: Registry, kubelets: KubeletConnector): SubresourceHandler {
  return async (ctx, { namespace, name }) => {
    const options = parseLogOptions(ctx.info.query, name);
    const pod = findPod(registry, { namespace, name });
    const container = containerOf(pod, options.container);
    // A pod without a node has said nothing yet.
    if (!pod.spec.nodeName) return { type: 'bytes', status: 204, contentType: '', body: '' };
    const backend = kubelets.backendOf(pod.spec.nodeName, { insecure: options.insecureSkipTLSVerifyBackend });
    const target = `/containerLogs/${namespace}/${name}/${container}${options.kubeletQuery}`;
    let response: IncomingMessage;
    try {
      response = await openRequest({ backend, method: 'GET', target, signal: ctx.signal });
    } catch (error) {
      if (ctx.signal.aborted || error instanceof ApiError) throw error;
      const message = `Get "https://${authorityOf(backend)}${target}": ${dialFailure(backend, error)}`;
      throw new ApiError({ code: 500, reason: '', message }, { cause: error });
    }
    const status = response.statusCode ?? 502;
    if (status < 200 || status > 206) throw await kubeletError(response, name);
    return { ...passOn(response, {}), contentType: 'text/plain' };
  };
}

/** What a kubelet refused with, as the API says it. @source apiserver pkg/registry/generic/rest/response_checker.go */
async function kubeletError(response: IncomingMessage, podName: string): Promise<ApiError> {
  const text = await readText(response);
  const code = response.statusCode ?? 502;
  if (code === 400) return badRequest(text);
  if (code === 500) return internalError(text);
  const known =
    code === 404
      ? 'the server could not find the requested resource'
      : `the server responded with the status code ${code} but did not return more information`;
  return new ApiError({
    code,
    reason: code === 404 ? 'NotFound' : '',
    message: `${known} ( pods/log ${podName})`,
    details: { name: podName, kind: 'pods/log', causes: [{ reason: 'UnexpectedServerResponse', message: text }] },
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxErrorBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxErrorBytes);
}
