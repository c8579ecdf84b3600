/** The node's part of every pod's resolver: the cluster's DNS service and the node's own configuration, read anew when it changed. */
import { type NodeDns, parseResolvConf } from './dns.ts';

export interface NodeResolverOptions {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly readResolvConf: () => Promise<string>;
}

export function createNodeResolver({ clusterDns, clusterDomain, readResolvConf }: NodeResolverOptions): () => Promise<NodeDns> {
  let known: { readonly text: string; readonly dns: NodeDns } | undefined;
  return async () => {
    const text = await readResolvConf();
    if (known?.text !== text) known = { text, dns: { clusterDns, clusterDomain, host: parseResolvConf(text) } };
    return known.dns;
  };
}
