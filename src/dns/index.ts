/** The door of cluster DNS. */
export { type ClusterDnsConfig, corefileMap, startClusterDns } from './cluster-dns.ts';
export type { CatalogDelta } from './catalog/entries.ts';
export { serviceEntry, sliceEntry } from './catalog/entries.ts';
export { readCorefile } from './corefile/config.ts';
export { CorefileFault } from './corefile/corefile-fault.ts';
export { defaultCorefile } from './corefile/default-corefile.ts';
export { type DnsServer, type DnsServerOptions, startDnsServer } from './server/dns-server.ts';
