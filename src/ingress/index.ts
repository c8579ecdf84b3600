/** The door of the Ingress controller: a node's half, and the control plane's. */
export { type IngressControllerConfig, startIngressController } from './ingress-controller.ts';
export { createIngressStatusController, makeIngressClass, retireIngress } from './ingress-keeper.ts';
export type { ServerSettings } from './haproxy-config.ts';
