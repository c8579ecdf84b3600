/** The door of the service proxy. */
export { type ProxyConfig, removeProxyTable, startProxy } from './proxy.ts';
export { type HealthServersConfig, startHealthServers } from './health-servers.ts';
export { ProxyHealth, type ProxyProgress } from './health-state.ts';
