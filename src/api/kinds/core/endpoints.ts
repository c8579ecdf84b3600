/** Endpoints: the older form of EndpointSlice, one object a Service. @source pkg/apis/core/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, notSupported, required } from '../../field-errors.ts';
import type { EndpointAddress, EndpointPort, Endpoints } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { ipErrors, ipWarnings } from '../../ip.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, portNumberErrors, qualifiedNameErrors } from '../../names.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { repackSubsets } from './endpoint-subsets.ts';
import { nonSpecialIpErrors } from './ip-rules.ts';

const shownEndpoints = 3;

export const endpointsResource: ResourceDefinition = defineResource<Endpoints>({
  ref: corev1Resources.endpoints,
  shortNames: ['ep'],
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  columns: [nameColumn, column('Endpoints', 'string', 'The first addresses and ports that serve.', formatEndpoints), ageColumn],
  strategy: {
    applyDefaults: (endpoints) => {
      for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
    },
    prepareForCreate: repack,
    prepareForUpdate: repack,
    validate: validateEndpoints,
    validateUpdate: validateEndpoints,
    warnings: endpointsWarnings,
    allowCreateOnUpdate: true,
  },
});

/** Faults name what the client wrote, so only what has none is rearranged. */
function repack(endpoints: Draft<Endpoints>): void {
  if (endpoints.subsets && validateEndpoints(endpoints).length === 0) endpoints.subsets = repackSubsets(endpoints.subsets);
}

/** Our own controller has what is right; looking at each address would cost for nothing. @source pkg/registry/core/endpoint/strategy.go */
function endpointsWarnings({ metadata, subsets = [] }: Endpoints): string[] {
  if (metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return [];
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [] }, i) => [
    ...addresses.flatMap(({ ip }, j) => ipWarnings(`subsets[${i}].addresses[${j}].ip`, ip)),
    ...notReadyAddresses.flatMap(({ ip }, j) => ipWarnings(`subsets[${i}].notReadyAddresses[${j}].ip`, ip)),
  ]);
}

function formatEndpoints({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => `${bracketed(ip)}:${port}`)),
  );
  const shown = all.slice(0, shownEndpoints).join(',');
  return all.length > shownEndpoints ? `${shown} + ${all.length - shownEndpoints} more...` : shown;
}

const bracketed = (ip = ''): string => (ip.includes(':') ? `[${ip}]` : ip);

function validateEndpoints({ subsets = [] }: Endpoints): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const path = `subsets[${i}]`;
    if (addresses.length === 0 && notReadyAddresses.length === 0)
      errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
    for (const [j, address] of addresses.entries()) validateAddress(address, `${path}.addresses[${j}]`, errors);
    for (const [j, address] of notReadyAddresses.entries()) validateAddress(address, `${path}.notReadyAddresses[${j}]`, errors);
    for (const [j, port] of ports.entries()) validatePort(port, { path: `${path}.ports[${j}]`, requireName: ports.length > 1 }, errors);
  }
  return errors;
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, path: string, errors: FieldError[]): void {
  errors.push(...ipErrors(`${path}.ip`, ip ?? ''));
  if (hostname) for (const message of dns1123LabelErrors(hostname)) errors.push(invalidValue(`${path}.hostname`, hostname, message));
  if (nodeName !== undefined) {
    for (const message of dns1123SubdomainErrors(nodeName)) errors.push(invalidValue(`${path}.nodeName`, nodeName, message));
  }
  errors.push(...nonSpecialIpErrors(`${path}.ip`, ip ?? ''));
}

function validatePort(port: EndpointPort, rule: { readonly path: string; readonly requireName: boolean }, errors: FieldError[]): void {
  const { path } = rule;
  if (rule.requireName && !port.name) errors.push(required(`${path}.name`));
  else if (port.name) for (const message of dns1123LabelErrors(port.name)) errors.push(invalidValue(`${path}.name`, port.name, message));
  for (const message of portNumberErrors(port.port ?? 0)) errors.push(invalidValue(`${path}.port`, port.port ?? 0, message));
  if (!port.protocol) errors.push(required(`${path}.protocol`));
  else if (!['SCTP', 'TCP', 'UDP'].includes(port.protocol))
    errors.push(notSupported(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
  if (port.appProtocol !== undefined) {
    for (const message of qualifiedNameErrors(port.appProtocol))
      errors.push(invalidValue(`${path}.appProtocol`, port.appProtocol, message));
  }
}
