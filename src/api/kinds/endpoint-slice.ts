/**
 * EndpointSlice: addresses behind a Service, in pieces of at most a thousand.
 * @source pkg/apis/discovery/validation/validation.go and v1/defaults.go, v1.35
 */
import type { FieldError } from '../errors.ts';
import { duplicate, invalidValue, notSupported, required, tooMany } from '../field-errors.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../gen/discovery-v1.ts';
import { discoveryv1Resources } from '../gen/resources.ts';
import { ipFamilyOf, ipWarnings } from '../ip.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../names.ts';
import { validateLabels } from '../object-meta.ts';
import type { Draft } from '../object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { nonSpecialIpErrors } from './core/ip-rules.ts';
import { defineResource } from './define-resource.ts';
import { immutableField, sameJson } from './immutable.ts';
import { ageColumn, column, nameColumn } from './standard-columns.ts';

const maxAddresses = 100;
const maxPorts = 20_000;
const maxEndpoints = 1000;
const maxHints = 8;
const shownItems = 3;
const hostnameLabel = 'kubernetes.io/hostname';

export const endpointSliceResource: ResourceDefinition = defineResource<EndpointSlice>({
  ref: discoveryv1Resources.endpointslices,
  columns: [
    nameColumn,
    column('AddressType', 'string', 'The kind of addresses: IPv4, IPv6 or FQDN.', ({ addressType }) => addressType),
    column('Ports', 'string', 'The ports that each endpoint serves.', ({ ports }) => shortened((ports ?? []).map(formatPort))),
    column('Endpoints', 'string', 'The addresses.', ({ endpoints }) => shortened((endpoints ?? []).flatMap(({ addresses }) => addresses))),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (slice) => {
      // Go prints a list without omitempty as null; clients of the typed API expect a list.
      slice.endpoints ??= [];
      for (const port of slice.ports ?? []) {
        port.name ??= '';
        port.protocol ??= 'TCP';
      }
    },
    prepareForCreate: (slice) => dropTopology(slice, undefined),
    prepareForUpdate: dropTopology,
    validate: validateEndpointSlice,
    warnings: sliceWarnings,
    validateUpdate: (slice, old) => [...validateEndpointSlice(slice), ...immutableField('addressType', slice.addressType, old.addressType)],
  },
});

/**
 * The field of an older version is not written by this one, but for what is there already. A node that it named is kept.
 * @source pkg/registry/discovery/endpointslice/strategy.go dropTopologyOnV1, v1.35
 */
function dropTopology(slice: Draft<EndpointSlice>, old: EndpointSlice | undefined): void {
  if (!slice.endpoints.some(({ deprecatedTopology }) => deprecatedTopology) || (old && sameJson(slice.endpoints, old.endpoints))) return;
  const nodes = (old?.endpoints ?? []).flatMap(({ deprecatedTopology }) => deprecatedTopology?.[hostnameLabel] || []);
  for (const endpoint of slice.endpoints) {
    const node = endpoint.deprecatedTopology?.[hostnameLabel];
    if (endpoint.nodeName === undefined && node !== undefined && nodes.includes(node)) endpoint.nodeName = node;
    delete endpoint.deprecatedTopology;
  }
}

/** Slices of our own controllers have what is right; looking at each address of them would cost for nothing. */
const ownManagers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

function sliceWarnings({ metadata, addressType, endpoints }: EndpointSlice, old: EndpointSlice | undefined): string[] {
  const warnings = addressType === 'FQDN' && !old ? ['spec.addressType: FQDN endpoints are deprecated'] : [];
  const manager = metadata.labels?.['endpointslice.kubernetes.io/managed-by'];
  if (addressType === 'FQDN' || (manager !== undefined && ownManagers.includes(manager))) return warnings;
  for (const [i, { addresses }] of endpoints.entries()) {
    for (const [j, address] of addresses.entries()) warnings.push(...ipWarnings(`endpoints[${i}].addresses[${j}]`, address));
  }
  return warnings;
}

function formatPort({ port, name }: EndpointPort): string {
  return port === undefined ? (name ?? '*') : String(port);
}

/** The first three, and how many more there are. */
function shortened(items: readonly string[]): string {
  const shown = items.slice(0, shownItems).join(',');
  if (items.length > shownItems) return `${shown} + ${items.length - shownItems} more...`;
  return shown === '' ? '<unset>' : shown;
}

function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required('addressType'));
  else if (!['IPv4', 'IPv6', 'FQDN'].includes(slice.addressType)) {
    errors.push(notSupported('addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6']));
  }
  validateEndpoints(slice.endpoints ?? [], slice.addressType, errors);
  validatePorts(slice.ports ?? [], errors);
  return errors;
}

function validateEndpoints(endpoints: readonly Endpoint[], addressType: string, errors: FieldError[]): void {
  if (endpoints.length > maxEndpoints) {
    errors.push(tooMany('endpoints', endpoints.length, maxEndpoints));
    return;
  }
  for (const [i, endpoint] of endpoints.entries()) {
    const path = `endpoints[${i}]`;
    validateAddresses(endpoint.addresses ?? [], addressType, `${path}.addresses`, errors);
    if (endpoint.nodeName !== undefined) {
      for (const message of dns1123SubdomainErrors(endpoint.nodeName))
        errors.push(invalidValue(`${path}.nodeName`, endpoint.nodeName, message));
    }
    if (endpoint.deprecatedTopology) validateLabels(endpoint.deprecatedTopology, `${path}.deprecatedTopology`, errors);
    if (endpoint.hostname !== undefined) {
      for (const message of dns1123LabelErrors(endpoint.hostname))
        errors.push(invalidValue(`${path}.hostname`, endpoint.hostname, message));
    }
    validateHints(endpoint, path, errors);
  }
}

function validateAddresses(addresses: readonly string[], addressType: string, path: string, errors: FieldError[]): void {
  if (addresses.length === 0) errors.push(required(path, 'must contain at least 1 address'));
  else if (addresses.length > maxAddresses) errors.push(tooMany(path, addresses.length, maxAddresses));
  for (const [i, address] of addresses.entries()) {
    const at = `${path}[${i}]`;
    if (addressType === 'FQDN') errors.push(...fullyQualifiedErrors(at, address));
    else if (addressType === 'IPv4' || addressType === 'IPv6') {
      if (ipFamilyOf(address) !== addressType) errors.push(invalidValue(at, address, `must be a valid ${addressType} address`));
      errors.push(...nonSpecialIpErrors(at, address));
    }
  }
}

function fullyQualifiedErrors(path: string, name: string): FieldError[] {
  if (name === '') return [required(path)];
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  const faults = dns1123SubdomainErrors(bare);
  if (faults.length > 0) return [invalidValue(path, bare, faults.join(','))];
  const labels = bare.split('.');
  if (labels.length < 2) return [invalidValue(path, bare, 'should be a domain with at least two segments separated by dots')];
  const wrong = labels.find((label) => dns1123LabelErrors(label).length > 0);
  return wrong === undefined ? [] : [invalidValue(path, wrong, dns1123LabelErrors(wrong).join(','))];
}

function validateHints({ hints }: Endpoint, path: string, errors: FieldError[]): void {
  for (const field of ['forZones', 'forNodes'] as const) {
    const named = hints?.[field];
    if (!named) continue;
    const at = `${path}.hints.${field}`;
    if (named.length > maxHints) {
      errors.push(tooMany(at, named.length, maxHints));
      return;
    }
    const seen = new Set<string>();
    for (const [i, hint] of named.entries()) {
      const name = hint.name ?? '';
      if (seen.has(name)) errors.push(duplicate(`${at}[${i}].name`, name));
      seen.add(name);
      const faults = field === 'forZones' ? labelValueErrors(name) : dns1123SubdomainErrors(name);
      for (const message of faults) errors.push(invalidValue(`${at}[${i}].name`, name, message));
    }
  }
}

function validatePorts(ports: readonly EndpointPort[], errors: FieldError[]): void {
  if (ports.length > maxPorts) {
    errors.push(tooMany('ports', ports.length, maxPorts));
    return;
  }
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const path = `ports[${i}]`;
    const name = port.name ?? '';
    if (name !== '') for (const message of dns1123LabelErrors(name)) errors.push(invalidValue(`${path}.name`, name, message));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    if (!port.protocol) errors.push(required(`${path}.protocol`));
    else if (!['SCTP', 'TCP', 'UDP'].includes(port.protocol))
      errors.push(notSupported(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
    if (port.appProtocol !== undefined) {
      for (const message of qualifiedNameErrors(port.appProtocol))
        errors.push(invalidValue(`${path}.appProtocol`, port.appProtocol, message));
    }
  }
}
