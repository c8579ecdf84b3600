/** How much a Service takes of a quota: itself, its node ports, its load balancer. @source pkg/quota/v1/evaluator/core/services.go, v1.35 */
import type { Service } from '../gen/core-v1.ts';
import { quantityOf } from '../quantity.ts';
import { objectCountName, type QuotaEvaluator } from './evaluator.ts';

const countName = objectCountName('', 'services');
const names: ReadonlySet<string> = new Set([countName, 'services', 'services.nodeports', 'services.loadbalancers']);

export const serviceEvaluator: QuotaEvaluator<Service> = {
  group: '',
  plural: 'services',
  // The type of a Service can change.
  handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  matchesResource: (name) => names.has(name),
  usage: (service) =>
    new Map([
      [countName, quantityOf(1)],
      ['services', quantityOf(1)],
      ['services.nodeports', quantityOf(nodePortsOf(service))],
      ['services.loadbalancers', quantityOf(service.spec.type === 'LoadBalancer' ? 1 : 0)],
    ]),
  frees: (old, service) => chargedType(old) !== chargedType(service),
};

/** The ports that it wants; they may not have been given yet. */
function nodePortsOf({ spec }: Service): number {
  const ports = spec.ports ?? [];
  if (spec.type === 'NodePort') return ports.length;
  if (spec.type !== 'LoadBalancer') return 0;
  return spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length;
}

function chargedType({ spec }: Service): string {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer' ? spec.type : '';
}
