/** The control plane's door of the Ingress controller: it loads nothing of what a node does. */
export { createIngressStatusController, makeIngressClass, retireIngress } from '../ingress-keeper.ts';
