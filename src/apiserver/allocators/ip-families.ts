/**
 * Which address families a Service gets: `spec.ipFamilyPolicy` and `spec.ipFamilies` filled in and checked against the families of
 * the cluster. Pure.
 * @source kubernetes pkg/registry/core/service/storage/alloc.go initIPFamilyFields, v1.35
 */
import { type corev1, type Draft, type FieldError, fieldErrors, invalid, type IpFamily, ipFamilyOf } from '../../api/index.ts';
import { serviceAddressFaults } from '../../api/kinds/index.ts';

type Service = Draft<corev1.Service>;
/** Empty is what validation refuses. */
type Family = NonNullable<corev1.ServiceSpec['ipFamilies']>[number];

const { invalidValue } = fieldErrors;

/** A Service about to be stored, and what is stored; undefined for a new one. */
interface Change {
  readonly service: Service;
  readonly old: corev1.Service | undefined;
}

/**
 * Fills in the policy and the families of a Service about to be stored.
 * @param configured families of the cluster, the one of Services that name none first
 * @throws ApiError Invalid when the cluster cannot give what is asked for
 */
export function initIpFamilies({ service, old }: Change, configured: readonly IpFamily[]): void {
  const { spec } = service;
  if (spec.type === 'ExternalName' || (old && keepsPreferDualStack(service, old))) return;
  spec.ipFamilyPolicy ??= defaultPolicy(service, old);
  // What cannot be understood need not be compared with the cluster.
  refuse(service, serviceAddressFaults(spec));
  if (old && spec.ipFamilyPolicy === 'SingleStack') dropSecondaries(service, old);
  const errors = [...(old ? reductionErrors(service, old) : []), ...policyErrors(service)];
  const clusterIPs = spec.clusterIPs ?? [];
  const families = [...(spec.ipFamilies ?? [])];
  for (const [i, address] of clusterIPs.entries()) {
    if (address === 'None') break;
    const family = ipFamilyOf(address);
    if (i < families.length || family === undefined) continue;
    if (configured.includes(family)) families.push(family);
    else errors.push(invalidValue(`spec.clusterIPs[${i}]`, clusterIPs, `${family} is not configured on this cluster`));
  }
  refuse(service, errors);
  const primary = configured[0]!;
  if (isHeadless(service) && isEmpty(spec.selector)) {
    // Whoever keeps such endpoints may have addresses of families that the cluster has not.
    spec.ipFamilies = spec.ipFamilyPolicy === 'SingleStack' ? orElse(families, primary) : bothOf(orElse(families, primary));
    return;
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    errors.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [i, family] of families.entries()) {
    if (!configured.includes(family as IpFamily)) {
      errors.push(invalidValue(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
    }
  }
  refuse(service, errors);
  const wanted = orElse(families, primary);
  spec.ipFamilies = spec.ipFamilyPolicy !== 'SingleStack' && configured.length === 2 ? bothOf(wanted) : wanted;
}

function orElse(families: readonly Family[], primary: IpFamily): Family[] {
  return families.length > 0 ? [...families] : [primary];
}

/** The families with the one that is missing behind. */
function bothOf(families: readonly Family[]): Family[] {
  return families.length === 1 ? [families[0]!, families[0] === 'IPv4' ? 'IPv6' : 'IPv4'] : [...families];
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
