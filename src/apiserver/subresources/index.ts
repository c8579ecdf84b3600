/** The door of custom subresources: everything a pod, service, node or account is asked that is not a stored object. */
import type { BackendTls } from '../proxying/index.ts';
import type { ExtensionFactory } from '../extension.ts';
import { proxyHandler } from './http-proxy.ts';
import { isDiscoverable, issuerDiscoveryEndpoints } from './issuer-discovery.ts';
import { KubeletConnector } from './kubelet-connector.ts';
import { podBindingHandler } from './pod-binding.ts';
import { podEvictionHandler } from './pod-eviction.ts';
import { podLogHandler } from './pod-log.ts';
import { podStreamHandler } from './pod-streams.ts';
import { nodeBackend, podBackend, serviceBackend } from './proxy-backends.ts';
import { serviceAccountTokenHandler, type TokenSigner } from './service-account-token.ts';

export { type IssuerKeys, issuerDiscoveryPaths } from './issuer-discovery.ts';
export type { TokenSigner } from './service-account-token.ts';

export interface SubresourceOptions {
  /** The API server's client certificate for kubelets and the authority that signed theirs; asked for every connection. */
  readonly kubeletTls: () => BackendTls;
  /** Kubelets may stand on loopback, as where tests play kubelet. Default false: nothing is proxied there. */
  readonly kubeletsOnLoopback?: boolean;
  readonly signer: TokenSigner;
  /** Host and port under which clients reach the server, such as `10.0.0.1:6443`. */
  readonly serverAddress: () => string;
}

/** What the extension answers, by `resource/subresource`. */
export const handledSubresources: ReadonlySet<string> = new Set([
  'pods/binding',
  'pods/eviction',
  'pods/log',
  'pods/exec',
  'pods/attach',
  'pods/portforward',
  'pods/proxy',
  'services/proxy',
  'nodes/proxy',
  'serviceaccounts/token',
]);

export function subresourcesExtension(options: SubresourceOptions): ExtensionFactory {
  return (host) => {
    const { registry, random } = host;
    const kubelets = new KubeletConnector(registry, { tls: options.kubeletTls, onLoopback: options.kubeletsOnLoopback ?? false });
    const binding = podBindingHandler(host);
    const { publicKeys: keys, issuer, jwksUri } = options.signer;
    return {
      endpoints:
        keys && isDiscoverable(issuer)
          ? issuerDiscoveryEndpoints({ issuer, keys, ...(jwksUri && { jwksUri }), serverAddress: options.serverAddress })
          : [],
      subresources: {
        bindings: binding,
        'pods/binding': binding,
        'pods/eviction': podEvictionHandler(host),
        'pods/log': podLogHandler(registry, kubelets),
        'pods/exec': podStreamHandler('exec', host, kubelets),
        'pods/attach': podStreamHandler('attach', host, kubelets),
        'pods/portforward': podStreamHandler('portforward', host, kubelets),
        'pods/proxy': proxyHandler('PodProxyOptions', host, (key) => podBackend(registry, key)),
        'services/proxy': proxyHandler('ServiceProxyOptions', host, (key) => serviceBackend(registry, key, random)),
        'nodes/proxy': proxyHandler('NodeProxyOptions', host, ({ id }) => nodeBackend(kubelets, id)),
        'serviceaccounts/token': serviceAccountTokenHandler(host, options.signer),
      },
    };
  };
}
