/**
 * IPAddress: an address that is taken, named after it, and by whom. The API server makes one for each address of a Service.
 * @source pkg/apis/networking/validation/validation.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue, required } from '../../field-errors.ts';
import type { IPAddress } from '../../gen/networking-v1.ts';
import { networkingv1Resources, networkingv1beta1Resources } from '../../gen/resources.ts';
import { dns1123SubdomainErrors, pathSegmentErrors } from '../../names.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { otherVersion } from '../other-version.ts';
import { column, nameColumn } from '../standard-columns.ts';
import { strictIpErrors } from './strict-ip-rules.ts';

export const ipAddressResource: ResourceDefinition = defineResource<IPAddress>({
  ref: networkingv1Resources.ipaddresses,
  shortNames: ['ip'],
  columns: [nameColumn, column('ParentRef', 'string', 'Who has taken it.', parentText)],
  strategy: {
    validateName: strictIpErrors,
    applyDefaults: (address) => {
      address.spec ??= {} as typeof address.spec;
    },
    validate: validateIpAddress,
    validateUpdate: ({ spec }, old) =>
      sameJson(spec.parentRef, old.spec.parentRef) ? [] : [invalidValue('spec.parentRef', printed(spec.parentRef), 'field is immutable')],
  },
});

/** As upstream prints its own structure. */
function printed(parent: IPAddress['spec']['parentRef'] | undefined): object | undefined {
  if (!parent) return undefined;
  const { group = '', resource, namespace = '', name } = parent;
  return { Group: group, Resource: resource, Namespace: namespace, Name: name };
}

function parentText({ spec }: IPAddress): string {
  const { parentRef } = spec as Partial<IPAddress['spec']>;
  if (!parentRef) return '<none>';
  const { group, resource, namespace, name } = parentRef;
  return [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/').toLowerCase();
}

function validateIpAddress({ spec }: IPAddress): FieldError[] {
  const errors: FieldError[] = [];
  const { parentRef } = spec as Partial<IPAddress['spec']>;
  const path = 'spec.parentRef';
  if (!parentRef) return [required(path)];
  const { group, resource, name, namespace } = parentRef;
  if (group) addInvalid(errors, `${path}.group`, group, dns1123SubdomainErrors(group));
  if (!resource) errors.push(required(`${path}.resource`));
  else addInvalid(errors, `${path}.resource`, resource, pathSegmentErrors(resource));
  if (!name) errors.push(required(`${path}.name`));
  else addInvalid(errors, `${path}.name`, name, pathSegmentErrors(name));
  if (namespace) addInvalid(errors, `${path}.namespace`, namespace, pathSegmentErrors(namespace));
  return errors;
}

/** Served when `--runtime-config` says so. */
export const ipAddressBetaResource: ResourceDefinition = otherVersion(
  ipAddressResource,
  networkingv1beta1Resources.ipaddresses,
  'networking.k8s.io/v1beta1 IPAddress is deprecated in v1.34+, unavailable in v1.37+',
);
