/**
 * Finds the kubelet of a node: the address and port that the Node object names, over TLS with the API server's client
 * certificate.
 * @source kubernetes pkg/kubelet/client NodeConnectionInfoGetter
 */
import { ApiError, type corev1, corev1Resources, notFound } from '../../api/index.ts';
import type { Backend, BackendTls } from '../proxying/index.ts';
import type { Registry } from '../storage.ts';

/** The order of kubeadm's `--kubelet-preferred-address-types`: names need a DNS that knows nodes. */
const preferredAddresses = ['InternalIP', 'ExternalIP', 'Hostname'] as const;
const defaultKubeletPort = 10_250;

export interface KubeletConnectorOptions {
  /** Asked for every connection, so that renewed certificates are used at once. */
  readonly tls: () => BackendTls;
}

export class KubeletConnector {
  readonly #registry: Registry;
  readonly #tls: () => BackendTls;

  constructor(registry: Registry, options: KubeletConnectorOptions) {
    this.#registry = registry;
    this.#tls = options.tls;
  }

  /**
   * @param options.insecure believe any certificate (`insecureSkipTLSVerifyBackend`)
   * @throws ApiError NotFound when there is no such node, InternalError when it has no address
   */
  backendOf(nodeName: string, options: { readonly insecure?: boolean } = {}): Backend {
    const node = this.#registry.cached(corev1Resources.nodes, { namespace: '', name: nodeName });
    if (!node) throw notFound({ group: '', resource: 'nodes', name: nodeName });
    const tls = this.#tls();
    return {
      host: addressOf(node),
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
