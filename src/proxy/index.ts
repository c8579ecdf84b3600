/** The door of the service proxy. */
export { type ProxyConfig, removeProxyTable, startProxy } from './proxy.ts';
