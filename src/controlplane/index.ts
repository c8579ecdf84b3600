/** The door of the control plane: whole, or its two halves for those who end and start them apart. */
export { type ControlPlane, type ControlPlaneConfig, startControlPlane } from './control-plane.ts';
export { type ApiServerSettings, type ListeningApiServer, startApiServer } from './api-server.ts';
export { type Managers, type ManagerSettings, startManagers } from './managers.ts';
export { readControllerManagerFlags } from './controller-manager/flags.ts';
export type { ClusterDnsService } from './cluster-dns-service.ts';
export { readSchedulerFlags, schedulerSettings } from './scheduler/index.ts';
