/** The door of the pod network. */
export * from './configuration/index.ts';
export { createKernel, type Kernel } from './fabric/kernel.ts';
export { type HostRoutesConfig, startHostRoutes } from './host-routes.ts';
export { NodeNetwork, type NodeNetworkConfig } from './node-network.ts';
export { type PodNetworkConfig, startPodNetwork } from './pod-network.ts';
export { withdrawNetwork } from './withdraw.ts';
