/**
 * ServiceCIDR: a range that Services get their addresses from.
 * @source pkg/apis/networking/validation/validation.go, pkg/registry/networking/servicecidr/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue, required } from '../../field-errors.ts';
import type { ServiceCIDR, ServiceCIDRSpec } from '../../gen/networking-v1.ts';
import { networkingv1Resources, networkingv1beta1Resources } from '../../gen/resources.ts';
import { parseCidr } from '../../ip.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { keepMetadata } from '../keep.ts';
import { otherVersion } from '../other-version.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { strictCidrErrors } from './strict-ip-rules.ts';

const path = 'spec.cidrs';
const immutable = 'field is immutable';

export const serviceCidrResource: ResourceDefinition = defineResource<ServiceCIDR>({
  ref: networkingv1Resources.servicecidrs,
  subresources: [
    statusSubresource<ServiceCIDR>({
      prepareForUpdate: (range, old) => {
        range.spec = old.spec as Draft<ServiceCIDRSpec>;
        keepMetadata(range.metadata, old.metadata);
      },
      validateUpdate: () => [],
    }),
  ],
  columns: [
    nameColumn,
    column('CIDRs', 'string', 'The ranges, the first of them preferred.', ({ spec }) => (spec.cidrs ?? []).join(',')),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (range) => {
      range.spec ??= {};
      range.status ??= {};
    },
    validate: ({ spec }) => rangeErrors(spec.cidrs ?? [], spec),
    validateUpdate: ({ spec }, old) => {
      const [now, before] = [spec.cidrs ?? [], old.spec.cidrs ?? []];
      if (now.length === before.length) {
        return now.flatMap((range, i) => (range === before[i] ? [] : [invalidValue(`${path}[${i}]`, range, immutable)]));
      }
      // A second family may be added.
      if (before.length !== 1 || now.length !== 2) return [invalidValue(path, now, immutable)];
      return [...(now[0] === before[0] ? [] : [invalidValue(`${path}[0]`, now[0], immutable)]), ...rangeErrors(now, spec)];
    },
  },
});

function rangeErrors(ranges: readonly string[], spec: ServiceCIDRSpec): FieldError[] {
  if (ranges.length === 0) return [required(path, 'at least one CIDR required')];
  if (ranges.length > 2) return [invalidValue(path, { CIDRs: spec.cidrs }, 'may only hold up to 2 values')];
  const errors: FieldError[] = [];
  for (const [i, range] of ranges.entries()) addInvalid(errors, `${path}[${i}]`, range, strictCidrErrors(range));
  const [first, second] = ranges.map((range) => parseCidr(range)?.address.family);
  if (ranges.length === 2 && first !== undefined && first === second) {
    const detail = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    errors.push(invalidValue(path, ranges, detail));
  }
  return errors;
}

/** Served when `--runtime-config` says so. */
export const serviceCidrBetaResource: ResourceDefinition = otherVersion(
  serviceCidrResource,
  networkingv1beta1Resources.servicecidrs,
  'networking.k8s.io/v1beta1 ServiceCIDR is deprecated in v1.34+, unavailable in v1.37+',
);
