/** Asks kubelets what their nodes and pods use, as metrics-server does. */
import type { Readable } from 'node:stream';
import { ApiError, type corev1 } from '../../api/index.ts';
import type { ApiServerHost } from '../extension.ts';
import { type BackendTls, openRequest } from '../proxying/index.ts';
import { KubeletConnector } from '../subresources/kubelet-connector.ts';
import { parseKubeletText } from './kubelet-text.ts';
import type { UsageSource } from './usage-scraper.ts';

const path = '/metrics/resource';
/** Some hundred bytes a container: more is no kubelet. */
const maxBytes = 16 * 1024 * 1024;

/** @param tls the API server's client certificate for kubelets; asked for every connection */
export function kubeletUsageSource({ registry }: Pick<ApiServerHost, 'registry'>, tls: () => BackendTls): UsageSource {
  const kubelets = new KubeletConnector(registry, { tls, onLoopback: false });
  return {
    read: async (node: corev1.Node, signal) => {
      const backend = kubelets.backendOf(node.metadata.name);
      const response = await openRequest({ backend, method: 'GET', target: path, signal });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of response as Readable) {
        size += (chunk as Buffer).length;
        if (size > maxBytes) throw unusable(`${path} is longer than ${maxBytes} bytes`);
        chunks.push(chunk as Buffer);
      }
      const text = Buffer.concat(chunks).toString();
      if (response.statusCode !== 200) throw unusable(`${path} answered ${response.statusCode}: ${text.slice(0, 200)}`);
      return parseKubeletText(text);
    },
  };
}

function unusable(message: string): ApiError {
  return new ApiError({ code: 502, reason: '', message });
}
