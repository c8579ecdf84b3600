/** The door of proxying: passing requests and upgraded connections on to other servers. */
export { authorityOf, type Backend, type BackendTls, backendUnreachable, dialFailure, serviceUnreachable } from './backend.ts';
export { openRequest, passOn } from './forward.ts';
export { requestHeaders, responseHeaders, upgradeHeaders } from './forwarded-headers.ts';
export { rewriteLinks } from './html-links.ts';
export { rewriteLocation } from './location-rewriting.ts';
export { backendPath, parseProxyTarget, type ProxyTarget, rawQuery } from './proxy-target.ts';
export { openTunnel } from './tunnel.ts';
