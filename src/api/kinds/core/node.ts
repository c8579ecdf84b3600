/**
 * Node: a machine that runs pods. @source pkg/registry/core/node/strategy.go and pkg/apis/core/validation/validation.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { duplicate, forbidden, invalidValue } from '../../field-errors.ts';
import type { Node, NodeSpec, NodeStatus, Taint } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { cidrErrors, cidrWarnings, ipFamilyOf } from '../../ip.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { goJson } from '../../go-text.ts';
import { customSubresource, defineResource, statusSubresource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { nodeColumns } from './node-columns.ts';
import { resourceAmountErrors } from './pod/validate-resources.ts';
import { canonicalizeResources } from './resource-list.ts';
import { taintEffectErrors } from './taint-effect.ts';

export const nodeResource: ResourceDefinition = defineResource<Node>({
  ref: corev1Resources.nodes,
  shortNames: ['no'],
  subresources: [
    customSubresource('proxy', ['create', 'delete', 'get', 'patch', 'update'], { group: '', version: 'v1', kind: 'NodeProxyOptions' }),
    statusSubresource<Node>({
      prepareForUpdate: (node, old) => {
        node.spec = old.spec as Draft<NodeSpec>;
      },
      validateUpdate: validateNodeUpdate,
    }),
  ],
  columns: nodeColumns,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
  strategy: {
    applyDefaults: applyNodeDefaults,
    prepareForCreate: (node) => dropConfigSource(node, undefined),
    prepareForUpdate: (node, old) => {
      node.status = old.status as Draft<NodeStatus>;
      dropConfigSource(node, old);
    },
    validate: validateNode,
    validateUpdate: (node, old) => [...validateNode(node), ...validateNodeUpdate(node, old)],
    warnings: nodeWarnings,
  },
});

function nodeWarnings({ spec }: Node): string[] {
  return [
    ...(spec.configSource ? ['spec.configSource: the feature is removed'] : []),
    ...(spec.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
    ...(spec.podCIDRs ?? []).flatMap((range, i) => cidrWarnings(`spec.podCIDRs[${i}]`, range)),
  ];
}

function applyNodeDefaults(node: Draft<Node>): void {
  node.spec ??= {};
  node.status ??= {};
  const { spec, status } = node;
  // The single range is the first of the list, and the other way round; where they differ, the single one is meant.
  if (spec.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
  else if (!spec.podCIDR && spec.podCIDRs?.length) spec.podCIDR = spec.podCIDRs[0]!;
  canonicalizeResources(status.capacity);
  canonicalizeResources(status.allocatable);
  if (status.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  status.daemonEndpoints ??= { kubeletEndpoint: { Port: 0 } };
  status.nodeInfo ??= {
    machineID: '',
    systemUUID: '',
    bootID: '',
    kernelVersion: '',
    osImage: '',
    containerRuntimeVersion: '',
    kubeletVersion: '',
    kubeProxyVersion: '',
    operatingSystem: '',
    architecture: '',
  };
}

/** Configuration by the API is gone; its field is not stored any more. */
function dropConfigSource(node: Draft<Node>, old: Node | undefined): void {
  if (old?.spec.configSource === undefined) delete node.spec.configSource;
}

function validateNode(node: Node): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream names taints under metadata.
  validateTaints(node.spec.taints ?? [], 'metadata.taints', errors);
  validateNodeResources(node, errors);
  const ranges = node.spec.podCIDRs ?? [];
  ranges.forEach((range, i) => errors.push(...cidrErrors(`spec.podCIDRs[${i}]`, range)));
  if (ranges.length > 1) {
    const families = new Set(ranges.map((range) => ipFamilyOf(range.split('/')[0]!)));
    if (families.size < 2 || ranges.length > 2) {
      errors.push(invalidValue('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
    }
    ranges.forEach((range, i) => {
      if (ranges.indexOf(range) < i) errors.push(duplicate(`spec.podCIDRs[${i}]`, range));
    });
  }
  return errors;
}

function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = [];
  validateNodeResources(node, errors);
  const seen = new Set<string>();
  for (const [i, address] of (node.status.addresses ?? []).entries()) {
    const key = goJson(address);
    if (seen.has(key)) errors.push(duplicate(`status.addresses[${i}]`, { Type: address.type, Address: address.address }));
    seen.add(key);
  }
  if (old.spec.podCIDRs?.length && !sameJson(old.spec.podCIDRs, node.spec.podCIDRs)) {
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec.providerID && old.spec.providerID !== node.spec.providerID) {
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  validateTaints(node.spec.taints ?? [], 'metadata.taints', errors);
  if ((node.spec.externalID ?? '') !== (old.spec.externalID ?? '')) errors.push(forbidden('spec.externalID', 'may not be updated'));
  return errors;
}

function validateNodeResources({ status }: Node, errors: FieldError[]): void {
  for (const field of ['capacity', 'allocatable'] as const) {
    const list = status[field];
    for (const name in list) errors.push(...resourceAmountErrors(name, list[name]!, `status.${field}.${name}`));
  }
}

function validateTaints(taints: readonly Taint[], path: string, errors: FieldError[]): void {
  for (const [i, taint] of taints.entries()) {
    const at = `${path}[${i}]`;
    for (const message of qualifiedNameErrors(taint.key ?? '')) errors.push(invalidValue(`${at}.key`, taint.key ?? '', message));
    const valueErrors = labelValueErrors(taint.value ?? '');
    if (valueErrors.length > 0) errors.push(invalidValue(`${at}.value`, taint.value, valueErrors.join(';')));
    errors.push(...taintEffectErrors(taint.effect, { path: `${at}.effect`, allowEmpty: false }));
    if (taints.slice(0, i).some((earlier) => earlier.key === taint.key && earlier.effect === taint.effect)) {
      const { key, value = '', effect, timeAdded = null } = taint;
      // As upstream prints its own structure.
      const fault = duplicate(at, { Key: key, Value: value, Effect: effect, TimeAdded: timeAdded });
      errors.push({ ...fault, message: `${fault.message}: taints must be unique by key and effect pair` });
    }
  }
}
