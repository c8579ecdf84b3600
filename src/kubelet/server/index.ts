/** The kubelet's HTTPS server. */
export { startKubeletServer } from './kubelet-server.ts';
