/**
 * Which address families a Service gets: `spec.ipFamilyPolicy` and `spec.ipFamilies` filled in and checked against a cluster that
 * has IPv4 service addresses only. Pure.
 * @source kubernetes pkg/registry/core/service/storage/alloc.go initIPFamilyFields
 */
import { type corev1, type Draft, type FieldError, fieldErrors, invalid, ipFamilyOf } from '../../api/index.ts';

type Service = Draft<corev1.Service>;
const { invalidValue } = fieldErrors;

/**
 * Fills in the policy and the families of a Service about to be stored.
 * @param old what is stored; undefined for a new Service
 * @throws ApiError Invalid when the cluster cannot give what is asked for
 */
export function initIpFamilies(service: Service, old: corev1.Service | undefined): void {
  const { spec } = service;
  if (spec.type === 'ExternalName' || (old && keepsPreferDualStack(service, old))) return;
  spec.ipFamilyPolicy ??= defaultPolicy(service, old);
  if (old && spec.ipFamilyPolicy === 'SingleStack') dropSecondaries(service, old);

  const errors = [...(old ? reductionErrors(service, old) : []), ...policyErrors(service)];
  const clusterIPs = spec.clusterIPs ?? [];
  const families = [...(spec.ipFamilies ?? [])];
  for (const [i, address] of clusterIPs.entries()) {
    if (address === 'None') break;
    if (i < families.length) continue;
    if (ipFamilyOf(address) === 'IPv4') families.push('IPv4');
    else if (ipFamilyOf(address) === 'IPv6')
      errors.push(invalidValue(`spec.clusterIPs[${i}]`, clusterIPs, 'IPv6 is not configured on this cluster'));
  }
  refuse(service, errors);

  if (isHeadless(service) && isEmpty(spec.selector)) {
    if (families.length === 0) families.push('IPv4');
    if (families.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4');
    spec.ipFamilies = families;
    return;
  }

  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    errors.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [i, family] of families.entries()) {
    if (family !== 'IPv4') errors.push(invalidValue(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  refuse(service, errors);
  spec.ipFamilies = families.length > 0 ? families : ['IPv4'];
}

/** True for a Service that asks for DNS names of its pods only. */
export function isHeadless(service: Service | corev1.Service): boolean {
  return service.spec.clusterIPs?.[0] === 'None' || service.spec.clusterIP === 'None';
}

function isEmpty(selector: Readonly<Record<string, string>> | undefined): boolean {
  return selector === undefined || Object.keys(selector).length === 0;
}

function defaultPolicy(service: Service, old: corev1.Service | undefined): NonNullable<corev1.ServiceSpec['ipFamilyPolicy']> {
  if (old?.spec.ipFamilyPolicy) return old.spec.ipFamilyPolicy;
  return isHeadless(service) && isEmpty(service.spec.selector) ? 'RequireDualStack' : 'SingleStack';
}

/** A Service that prefers two families keeps what it has, whatever the cluster has become since. */
export function keepsPreferDualStack(service: Service, old: corev1.Service): boolean {
  const { spec } = service;
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    spec.type === old.spec.type &&
    spec.type !== 'ExternalName' &&
    (old.spec.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    sameList(spec.clusterIPs, old.spec.clusterIPs) &&
    sameList(spec.ipFamilies, old.spec.ipFamilies)
  );
}

/** Whoever sets the policy to one family and leaves both entries in place means the first. */
function dropSecondaries({ spec }: Service, old: corev1.Service): void {
  if (spec.clusterIPs && sameList(spec.clusterIPs, old.spec.clusterIPs)) spec.clusterIPs = spec.clusterIPs.slice(0, 1);
  if (spec.ipFamilies && sameList(spec.ipFamilies, old.spec.ipFamilies)) spec.ipFamilies = spec.ipFamilies.slice(0, 1);
}

/** Going from two families to one is said by the policy, never by leaving an entry out. */
function reductionErrors({ spec }: Service, old: corev1.Service): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === 'SingleStack') return errors;
  if (isReduced(spec.clusterIPs, old.spec.clusterIPs)) {
    errors.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP"));
  }
  if (isReduced(spec.ipFamilies, old.spec.ipFamilies)) {
    errors.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family"));
  }
  return errors;
}

function policyErrors({ spec }: Service): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const mustBeDual = (what: string): FieldError =>
    invalidValue(
      'spec.ipFamilyPolicy',
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(spec.clusterIPs?.length === 2 ? [mustBeDual('cluster IPs')] : []),
    ...(spec.ipFamilies?.length === 2 ? [mustBeDual('IP families')] : []),
  ];
}

function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return (a ?? []).length === (b ?? []).length && (a ?? []).every((entry, i) => entry === b?.[i]);
}

function isReduced(list: readonly string[] | undefined, old: readonly string[] | undefined): boolean {
  return list !== undefined && list.length > 0 && list.length < (old ?? []).length;
}

function refuse(service: Service, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: '', resource: 'Service', name: service.metadata.name }, errors);
}
