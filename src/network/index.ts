/** The door of the pod network. */
export { type PodNetworkConfig, startPodNetwork } from './pod-network.ts';
