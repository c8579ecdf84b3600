/**
 * Finds the kubelet of a node: the address and port that the Node object names, over TLS with the API server's client
 * certificate.
 * @source kubernetes pkg/kubelet/client NodeConnectionInfoGetter
 */
import { ApiError, type corev1, corev1Resources, notFound } from '../../api/index.ts';
import type { Backend, BackendTls } from '../proxying/index.ts';
import type { Registry } from '../storage.ts';
import { checkedHost } from './backend-address.ts';

/** The order of kubeadm's `--kubelet-preferred-address-types`: names need a DNS that knows nodes. */
const preferredAddresses = ['InternalIP', 'ExternalIP', 'Hostname'] as const;
const defaultKubeletPort = 10_250;

export interface KubeletConnectorOptions {
  /** Asked for every connection, so that renewed certificates are used at once. */
  readonly tls: () => BackendTls;
  /** Kubelets may stand on loopback. */
  readonly onLoopback: boolean;
}

export class KubeletConnector {
  readonly #registry: Registry;
  readonly #options: KubeletConnectorOptions;

  constructor(registry: Registry, options: KubeletConnectorOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  /**
   * @param options.insecure believe any certificate (`insecureSkipTLSVerifyBackend`)
   * @throws ApiError NotFound when there is no such node, InternalError when it has no address, BadRequest when it has one that nobody
   * is to be connected to
   */
  backendOf(nodeName: string, options: { readonly insecure?: boolean } = {}): Backend {
    const node = this.#registry.cached(corev1Resources.nodes, { namespace: '', name: nodeName });
    if (!node) throw notFound({ group: '', resource: 'nodes', name: nodeName });
    // Whoever may write a node's status may name any address, the API server's too: what stands there has to be that very node's kubelet.
    const tls = { ...this.#options.tls(), commonName: `system:node:${nodeName}` };
    return {
      ...checkedHost(addressOf(node), { loopback: this.#options.onLoopback }),
      port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultKubeletPort,
      tls: options.insecure === true ? { ...tls, ca: undefined } : tls,
    };
  }
}

function addressOf({ status }: corev1.Node): string {
  const addresses = status?.addresses ?? [];
  for (const type of preferredAddresses) {
    const found = addresses.find((address) => address.type === type);
    if (found) return found.address;
  }
  const known = addresses.map(({ type, address }) => `{${type} ${address}}`).join(' ');
  throw new ApiError({ code: 500, reason: '', message: `no preferred addresses found; known addresses: [${known}]` });
}
