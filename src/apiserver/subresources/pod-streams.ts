/**
 * `pods/exec`, `pods/attach` and `pods/portforward`: connections that leave HTTP, joined with the kubelet's. The kubelet speaks
 * every protocol that clients do (SPDY/3.1 and WebSocket), so nothing is translated here.
 * @source kubernetes pkg/registry/core/pod/rest/subresources.go, pkg/registry/core/pod/strategy.go
 */
import { badRequest, type Draft, type KubeObject } from '../../api/index.ts';
import type { ApiServerHost, SubresourceHandler } from '../extension.ts';
import { authorityOf, backendUnreachable, openTunnel, upgradeHeaders } from '../proxying/index.ts';
import type { QueryParameters } from '../request.ts';
import { booleanParameter } from '../routing/query.ts';
import type { KubeletConnector } from './kubelet-connector.ts';
import { containerOf, findPod, nodeOf } from './pod-container.ts';

type Stream = 'exec' | 'attach' | 'portforward';

export function podStreamHandler(stream: Stream, host: ApiServerHost, kubelets: KubeletConnector): SubresourceHandler {
  return async (ctx, target) => {
    const { namespace, name } = target;
    const { query } = ctx.info;
    await host.admit({ operation: 'CONNECT', subresource: stream, object: optionsOf(stream, query), ...target });
    const pod = findPod(host.registry, { namespace, name });
    const path =
      stream === 'portforward'
        ? `/portForward/${namespace}/${name}`
        : `/${stream}/${namespace}/${name}/${containerOf(pod, query.get('container') ?? '')}`;
    const backend = kubelets.backendOf(nodeOf(pod));
    const { upgrade } = ctx;
    if (!upgrade) throw badRequest('Upgrade request required');
    await openTunnel({
      backend,
      method: ctx.method,
      target: path + kubeletQuery(stream, query),
      headers: { ...upgradeHeaders(upgrade, ctx.remoteAddress), host: authorityOf(backend) },
      upgrade,
      clock: ctx.clock,
      // Such a connection outlives its request; the end of the server ends it too.
      signal: AbortSignal.any([ctx.signal, host.signal]),
      unreachable: (error) => backendUnreachable(backend, error),
    });
    return { type: 'hijacked' };
  };
}

/** The kubelet's names for what clients ask for. @source kubernetes pkg/apis/core ExecStdinParam and its neighbours */
export function kubeletQuery(stream: Stream, query: QueryParameters): string {
  const kubelet = new URLSearchParams();
  if (stream === 'portforward') {
    const ports = query
      .getAll('ports')
      .flatMap((text) => text.split(','))
      .filter((port) => port !== '');
    if (ports.length > 0) kubelet.set('port', ports.join(','));
  } else {
    if (stream === 'exec') for (const word of query.getAll('command')) kubelet.append('command', word);
    if (booleanParameter(query, 'stderr')) kubelet.set('error', '1');
    if (booleanParameter(query, 'stdin')) kubelet.set('input', '1');
    if (booleanParameter(query, 'stdout')) kubelet.set('output', '1');
    if (booleanParameter(query, 'tty')) kubelet.set('tty', '1');
  }
  return kubelet.size > 0 ? `?${kubelet.toString()}` : '';
}

/** The options as the object that admission sees. */
function optionsOf(stream: Stream, query: QueryParameters): Draft<KubeObject> {
  const flags = Object.fromEntries(
    ['stdin', 'stdout', 'stderr', 'tty'].filter((flag) => booleanParameter(query, flag)).map((flag) => [flag, true]),
  );
  const container = query.get('container');
  const options = {
    portforward: { kind: 'PodPortForwardOptions', ports: query.getAll('ports').map(Number) },
    attach: { kind: 'PodAttachOptions', ...flags, ...(container !== undefined && { container }) },
    exec: { kind: 'PodExecOptions', ...flags, ...(container !== undefined && { container }), command: query.getAll('command') },
  }[stream];
  // Options have no metadata; admission reads kind and fields only.
  return { apiVersion: 'v1', ...options } as unknown as Draft<KubeObject>;
}
