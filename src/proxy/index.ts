/** The door of the service proxy. */
export { type ProxyConfig, startProxy } from './proxy.ts';
export type { Balance } from './table-frame.ts';
export { removeProxyTable } from './table-writer.ts';
export { type HealthServersConfig, startHealthServers } from './health-servers.ts';
export { ProxyHealth, type ProxyProgress } from './health-state.ts';
