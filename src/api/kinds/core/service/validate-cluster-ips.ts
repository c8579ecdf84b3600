/**
 * Cluster addresses and IP families of a Service: at most one of each family, in the same order, and the first never changes.
 * @source pkg/apis/core/validation/validation.go ValidateServiceClusterIPsRelatedFields and validateUpgradeDowngrade*, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { duplicate, invalidValue, notSupported, required } from '../../../field-errors.ts';
import type { ServiceSpec } from '../../../gen/core-v1.ts';
import { ipErrors, ipFamilyOf } from '../../../ip.ts';

const families = ['IPv4', 'IPv6'];
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const path = 'spec.clusterIPs';

/** What is wrong with the addresses and families of a Service, whether they were asked for or given. */
export function serviceAddressFaults(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  validateClusterIps(spec, errors);
  return errors;
}

export function validateClusterIps(spec: ServiceSpec, errors: FieldError[]): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  if (clusterIP === '') {
    if (clusterIPs.length > 0) errors.push(invalidValue(path, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  } else if (clusterIPs.length === 0) errors.push(required(path));
  else if (clusterIPs[0] !== clusterIP) errors.push(invalidValue(path, clusterIPs, 'first value must match `clusterIP`'));
  ipFamilies.forEach((family, i) => {
    if (!families.includes(family)) errors.push(notSupported(`spec.ipFamilies[${i}]`, family, families));
    if (ipFamilies.indexOf(family) < i) errors.push(duplicate(`spec.ipFamilies[${i}]`, family));
  });
  if (ipFamilyPolicy !== undefined && !familyPolicies.includes(ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, familyPolicies));
  }
  if (validateAddresses(clusterIPs, errors)) validateFamilies(spec, errors);
}

/** False when the addresses are too wrong to be compared with the families. */
function validateAddresses(clusterIPs: readonly string[], errors: FieldError[]): boolean {
  let fine = true;
  clusterIPs.forEach((address, i) => {
    if (i === 0 && address === 'None') {
      if (clusterIPs.length === 1) return;
      fine = false;
      errors.push(invalidValue(path, clusterIPs, "'None' must be the first and only value"));
      return;
    }
    const syntax = ipErrors(`${path}[${i}]`, address);
    if (syntax.length > 0) fine = false;
    errors.push(...syntax);
  });
  if (clusterIPs.length > 2) errors.push(invalidValue(path, clusterIPs, 'may only hold up to 2 values'));
  return fine;
}

function validateFamilies({ clusterIPs = [], ipFamilies = [] }: ServiceSpec, errors: FieldError[]): void {
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(ipFamilyOf)).size < 2) {
    errors.push(invalidValue(path, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  if (isHeadless(clusterIPs)) return;
  clusterIPs.forEach((address, i) => {
    const family = ipFamilies[i];
    if (family && ipFamilyOf(address) !== family) {
      errors.push(invalidValue(`${path}[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
    }
  });
}

function isHeadless(clusterIPs: readonly string[] = []): boolean {
  return clusterIPs.length === 1 && clusterIPs[0] === 'None';
}

/** A second address may come and go; what stays may not change, unless the type is or was ExternalName. */
export function clusterIpChangeErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  const [now, then] = [spec.clusterIPs ?? [], old.clusterIPs ?? []];
  if (isHeadless(now) && isHeadless(then)) return [];
  const changed = (i: number): FieldError => invalidValue(`${path}[${i}]`, now, 'may not change once set');
  if (now.length === then.length) return then.flatMap((address, i) => (address === now[i] ? [] : [changed(i)]));
  const errors: FieldError[] = [];
  if (now.length < then.length && now.length === 0) errors.push(invalidValue(`${path}[0]`, now, 'primary clusterIP can not be unset'));
  if (now.length > 0 && then.length > 0 && now[0] !== then[0]) errors.push(changed(0));
  if (now.length === 1 && then.length > 1) errors.push(...releaseErrors(spec, 'clusterIP'));
  return errors;
}

/** The same for families; a headless Service may change them. */
export function familyChangeErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  if (isHeadless(spec.clusterIPs) || isHeadless(old.clusterIPs)) return [];
  const [now, then] = [spec.ipFamilies ?? [], old.ipFamilies ?? []];
  const at = 'spec.ipFamilies[0]';
  if (now.length === then.length) {
    return then.flatMap((family, i) => (family === now[i] ? [] : [invalidValue(at, now, 'may not change once set')]));
  }
  const errors: FieldError[] = [];
  if (now.length < then.length && !spec.clusterIPs?.length) errors.push(invalidValue(at, now, 'primary ipFamily can not be unset'));
  if (now.length > 0 && then.length > 0 && now[0] !== then[0]) {
    errors.push(invalidValue(at, spec.clusterIPs ?? [], 'may not change once set'));
  }
  if (now.length === 1 && then.length > 1) errors.push(...releaseErrors(spec, 'ipFamily'));
  return errors;
}

/** Going back to one family has to be said. */
function releaseErrors({ ipFamilyPolicy }: ServiceSpec, what: string): FieldError[] {
  if (ipFamilyPolicy === 'SingleStack') return [];
  return [invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, `must be set to 'SingleStack' when releasing the secondary ${what}`)];
}
