/**
 * NetworkPolicy: who may speak with the pods that it selects.
 * @source pkg/apis/networking/validation/validation.go, v1/defaults.go, pkg/registry/networking/networkpolicy/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../gen/networking-v1.ts';
import { networkingv1Resources } from '../../gen/resources.ts';
import { cidrContains, cidrErrors, cidrWarnings, networkOf, parseCidr } from '../../ip.ts';
import { formatLabelSelector } from '../../label-selector.ts';
import { portNameErrors, portNumberErrors } from '../../names.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { defineResource } from '../define-resource.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

const protocols = ['TCP', 'UDP', 'SCTP'];
const policyTypes = ['Ingress', 'Egress'];

export const networkPolicyResource: ResourceDefinition = defineResource<NetworkPolicy>({
  ref: networkingv1Resources.networkpolicies,
  shortNames: ['netpol'],
  columns: [
    nameColumn,
    column('Pod-Selector', 'string', 'The pods that it is about.', ({ spec }) => formatLabelSelector(spec.podSelector)),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (policy) => {
      policy.spec ??= {};
      const { spec } = policy;
      spec.podSelector ??= {};
      for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
        for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
      }
      if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
    },
    validate: validatePolicy,
    validateUpdate: validatePolicy,
    warnings: (policy) =>
      peersOf(policy).flatMap(({ path, peer: { ipBlock } }) => [
        ...cidrWarnings(`${path}.ipBlock.cidr`, ipBlock?.cidr ?? ''),
        ...(ipBlock?.except ?? []).flatMap((range, i) => cidrWarnings(`${path}.ipBlock.except[${i}]`, range)),
      ]),
  },
});

function peersOf({ spec }: NetworkPolicy): { readonly path: string; readonly peer: NetworkPolicyPeer }[] {
  return [
    ...(spec.ingress ?? []).flatMap(({ from = [] }, i) => from.map((peer, j) => ({ path: `spec.ingress[${i}].from[${j}]`, peer }))),
    ...(spec.egress ?? []).flatMap(({ to = [] }, i) => to.map((peer, j) => ({ path: `spec.egress[${i}].to[${j}]`, peer }))),
  ];
}

function validatePolicy({ spec }: NetworkPolicy): FieldError[] {
  const errors: FieldError[] = [];
  validateLabelSelector(spec.podSelector, 'spec.podSelector', errors);
  for (const [i, { ports = [], from = [] }] of (spec.ingress ?? []).entries()) {
    const path = `spec.ingress[${i}]`;
    for (const [j, port] of ports.entries()) validatePort(port, `${path}.ports[${j}]`, errors);
    for (const [j, peer] of from.entries()) validatePeer(peer, `${path}.from[${j}]`, errors);
  }
  for (const [i, { ports = [], to = [] }] of (spec.egress ?? []).entries()) {
    const path = `spec.egress[${i}]`;
    for (const [j, port] of ports.entries()) validatePort(port, `${path}.ports[${j}]`, errors);
    for (const [j, peer] of to.entries()) validatePeer(peer, `${path}.to[${j}]`, errors);
  }
  const types = spec.policyTypes ?? [];
  if (types.length > policyTypes.length) {
    errors.push(invalidValue('spec.policyTypes', types, 'may not specify more than two policyTypes'));
    return errors;
  }
  for (const [i, type] of types.entries()) {
    if (!policyTypes.includes(type)) errors.push(notSupported(`spec.policyTypes[${i}]`, type, policyTypes));
  }
  return errors;
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: string, errors: FieldError[]): void {
  if (protocol !== undefined && !protocols.includes(protocol)) errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  const end = `${path}.endPort`;
  if (port === undefined) {
    if (endPort !== undefined) errors.push(invalidValue(end, endPort, 'may not be specified when `port` is not specified'));
  } else if (typeof port === 'number') {
    addInvalid(errors, `${path}.port`, port, portNumberErrors(port));
    if (endPort === undefined) return;
    if (endPort < port) errors.push(invalidValue(end, endPort, 'must be greater than or equal to `port`'));
    addInvalid(errors, end, endPort, portNumberErrors(endPort));
  } else {
    if (endPort !== undefined) errors.push(invalidValue(end, endPort, 'may not be specified when `port` is non-numeric'));
    addInvalid(errors, `${path}.port`, port, portNameErrors(port));
  }
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string, errors: FieldError[]): void {
  validateLabelSelector(podSelector, `${path}.podSelector`, errors);
  validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`, errors);
  if (ipBlock) validateIpBlock(ipBlock, `${path}.ipBlock`, errors);
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, 'must specify a peer'));
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  }
}

function validateIpBlock({ cidr, except = [] }: Partial<IPBlock>, path: string, errors: FieldError[]): void {
  if (!cidr) {
    errors.push(required(`${path}.cidr`));
    return;
  }
  errors.push(...cidrErrors(`${path}.cidr`, cidr));
  const range = parseCidr(cidr);
  if (!range) return;
  for (const [i, text] of except.entries()) {
    const at = `${path}.except[${i}]`;
    errors.push(...cidrErrors(at, text));
    const inner = parseCidr(text);
    if (inner && (!cidrContains(range, networkOf(inner)) || range.prefixLength >= inner.prefixLength)) {
      errors.push(invalidValue(at, text, 'must be a strict subset of `cidr`'));
    }
  }
}
