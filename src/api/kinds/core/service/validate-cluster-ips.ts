/**
 * Cluster addresses and IP families of a Service: at most one of each family, in the same order, and the first never changes.
 * @source pkg/apis/core/validation/validation.go ValidateServiceClusterIPsRelatedFields, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { duplicate, invalidValue, notSupported, required } from '../../../field-errors.ts';
import type { ServiceSpec } from '../../../gen/core-v1.ts';
import { ipErrors, ipFamilyOf } from '../../../ip.ts';
import { immutableField } from '../../immutable.ts';

const families = ['IPv4', 'IPv6'];
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

export function validateClusterIps(spec: ServiceSpec, errors: FieldError[]): void {
  if (spec.type === 'ExternalName') return;
  const { ipFamilies = [], ipFamilyPolicy, clusterIP = '', clusterIPs = [] } = spec;
  let [familiesFine, addressesFine] = [true, true];
  ipFamilies.forEach((family, i) => {
    if (!families.includes(family)) {
      familiesFine = false;
      errors.push(notSupported(`spec.ipFamilies[${i}]`, family, families));
    }
    if (ipFamilies.indexOf(family) < i) {
      familiesFine = false;
      errors.push(duplicate(`spec.ipFamilies[${i}]`, family));
    }
  });
  if (ipFamilyPolicy !== undefined && !familyPolicies.includes(ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, familyPolicies));
  }
  if (clusterIPs.length > 0 && clusterIP === '') errors.push(required('spec.clusterIP', 'must be set when `clusterIPs` is specified'));
  if (clusterIP !== '' && clusterIPs.length === 0) errors.push(required('spec.clusterIPs', 'must be set when `clusterIP` is specified'));
  else if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    errors.push(invalidValue('spec.clusterIPs[0]', clusterIPs[0], 'must be equal to `clusterIP`'));
  }
  clusterIPs.forEach((address, i) => {
    const path = `spec.clusterIPs[${i}]`;
    if (i === 0 && address === 'None') {
      if (clusterIPs.length > 1) {
        addressesFine = false;
        errors.push(invalidValue('spec.clusterIPs', clusterIPs, "'None' must be the first and only value"));
      }
      return;
    }
    const syntax = ipErrors(path, address);
    if (syntax.length > 0) addressesFine = false;
    errors.push(...syntax);
  });
  if (clusterIPs.length > 2) {
    addressesFine = false;
    errors.push(invalidValue('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values'));
  }
  if (addressesFine && clusterIPs.length > 1 && new Set(clusterIPs.map(ipFamilyOf)).size !== 2) {
    addressesFine = false;
    errors.push(invalidValue('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  if (!familiesFine || !addressesFine || clusterIPs[0] === 'None') return;
  clusterIPs.forEach((address, i) => {
    const family = ipFamilies[i];
    if (family !== undefined && family !== ipFamilyOf(address)) {
      errors.push(invalidValue(`spec.clusterIPs[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
    }
  });
}

/** A second address may come and go; what stays may not change, unless the type is or was ExternalName. */
export function clusterIpChangeErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  return changeErrors(spec.clusterIPs ?? [], old.clusterIPs ?? [], { spec, old, path: 'spec.clusterIPs' });
}

/** The same for families. */
export function familyChangeErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  return changeErrors(spec.ipFamilies ?? [], old.ipFamilies ?? [], { spec, old, path: 'spec.ipFamilies' });
}

interface Change {
  readonly spec: ServiceSpec;
  readonly old: ServiceSpec;
  readonly path: string;
}

function changeErrors(now: readonly string[], then: readonly string[], { spec, path }: Change): FieldError[] {
  if (then.length === 0) return [];
  const addresses = path === 'spec.clusterIPs';
  if (now.length === 0)
    return addresses
      ? [invalidValue(`${path}[0]`, now, 'primary clusterIP can not be unset')]
      : [invalidValue(`${path}[0]`, '', 'primary ipFamily can not be unset')];
  const errors: FieldError[] = [];
  if (now[0] !== then[0]) {
    errors.push(
      invalidValue(
        addresses ? path : `${path}[0]`,
        addresses ? now : now[0],
        addresses ? 'may not change once set' : 'may not change once set',
      ),
    );
  }
  if (now.length > 1 && then.length > 1) errors.push(...immutableField(`${path}[1]`, now[1], then[1]));
  // Going back to one family has to be said.
  if (now.length < then.length && spec.ipFamilyPolicy !== 'SingleStack') {
    errors.push(
      invalidValue(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy,
        `must be set to 'SingleStack' when releasing the secondary ${addresses ? 'clusterIP' : 'ipFamily'}`,
      ),
    );
  }
  return errors;
}
