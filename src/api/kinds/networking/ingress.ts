/**
 * Ingress: which requests from outside go to which services. A controller of the class that it names acts on it.
 * @source pkg/registry/networking/ingress/strategy.go, pkg/printers/internalversion/printers.go, v1.35
 */
import type { Ingress, IngressRule, IngressSpec, IngressStatus } from '../../gen/networking-v1.ts';
import { networkingv1Resources } from '../../gen/resources.ts';
import { goQuote } from '../../go-text.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { ingressClassAnnotation, validateIngress, validateIngressStatus, validateIngressUpdate } from './ingress-rules.ts';

const shownHosts = 3;

export const ingressResource: ResourceDefinition = defineResource<Ingress>({
  ref: networkingv1Resources.ingresses,
  shortNames: ['ing'],
  subresources: [
    statusSubresource<Ingress>({
      prepareForUpdate: (ingress, old) => {
        ingress.spec = old.spec as Draft<IngressSpec>;
      },
      validateUpdate: validateIngressStatus,
    }),
  ],
  columns: [
    nameColumn,
    column('Class', 'string', 'The class whose controller acts on it.', ({ spec }) => spec.ingressClassName ?? '<none>'),
    column('Hosts', 'string', 'The hosts that requests are for.', ({ spec }) => hostsText(spec.rules ?? [])),
    column('Address', 'string', 'Where requests come in.', ({ status }) => addressText(status)),
    column('Ports', 'string', 'The ports that requests come in at.', ({ spec }) => (spec.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (ingress) => {
      ingress.spec ??= {};
      ingress.status ??= {};
      ingress.status.loadBalancer ??= {};
    },
    prepareForCreate: (ingress) => {
      ingress.status = { loadBalancer: {} };
    },
    prepareForUpdate: (ingress, old) => {
      ingress.status = old.status as Draft<IngressStatus>;
    },
    validate: validateIngress,
    validateUpdate: validateIngressUpdate,
    warnings: ({ metadata }, old) =>
      old || metadata.annotations?.[ingressClassAnnotation] === undefined
        ? []
        : [`annotation ${goQuote(ingressClassAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`],
  },
});

/** The first three that are named; rules for every host are not shown beside them. */
function hostsText(rules: readonly IngressRule[]): string {
  const shown: string[] = [];
  let hasMore = false;
  for (const { host } of rules) {
    if (shown.length === shownHosts) hasMore = true;
    else if (host) shown.push(host);
  }
  if (shown.length === 0) return '*';
  return hasMore ? `${shown.join(',')} + ${rules.length - shownHosts} more...` : shown.join(',');
}

function addressText({ loadBalancer }: IngressStatus): string {
  const addresses = (loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  return [...new Set(addresses)].sort().join(',');
}
