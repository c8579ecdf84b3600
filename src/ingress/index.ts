/** The door of the Ingress controller's half that runs on nodes. */
export { type IngressControllerConfig, startIngressController } from './ingress-controller.ts';
export type { ServerSettings } from './haproxy-config.ts';
