/** The door of cluster DNS. */
export { type ClusterDnsConfig, startClusterDns } from './cluster-dns.ts';
export type { CatalogDelta } from './catalog/entries.ts';
export { serviceEntry, sliceEntry } from './catalog/entries.ts';
export { readCorefile } from './corefile/config.ts';
export { CorefileFault } from './corefile/corefile-fault.ts';
export { corefileMap, defaultCorefile } from './corefile/index.ts';
export { type DnsServer, type DnsServerOptions, startDnsServer } from './server/dns-server.ts';
