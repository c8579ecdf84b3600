/** The door of the control plane. */
export { type ControlPlane, type ControlPlaneConfig, startControlPlane } from './control-plane.ts';
export type { ClusterDnsService } from './cluster-dns-service.ts';
