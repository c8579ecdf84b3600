/** The door of cluster DNS. */
export { type ClusterDnsConfig, startClusterDns } from './cluster-dns.ts';
export { type DnsServer, type DnsServerOptions, startDnsServer } from './server.ts';
export { buildZone, type Zone } from './zone.ts';
