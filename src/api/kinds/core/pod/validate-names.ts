/** How a pod names itself and others: DNS configuration, host aliases, host names. @source pkg/apis/core/validation/validation.go, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, forbidden, invalidValue, required, tooLong } from '../../../field-errors.ts';
import type { PodSpec } from '../../../gen/core-v1.ts';
import { ipErrors } from '../../../ip.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, maxLengthError, regexError } from '../../../names.ts';

const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;
const maxHostname = 64;

export function validateDnsPolicy({ dnsPolicy }: PodSpec, path: string, errors: FieldError[]): void {
  if (!dnsPolicy) errors.push(required(`${path}.dnsPolicy`));
  else addUnsupported(errors, `${path}.dnsPolicy`, dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']);
}

export function validateDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, path: string, errors: FieldError[]): void {
  const at = `${path}.dnsConfig`;
  if (dnsPolicy === 'None') {
    if (!dnsConfig) errors.push(required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if (!dnsConfig.nameservers?.length) {
      errors.push(required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
      return;
    }
  }
  if (!dnsConfig) return;
  const { nameservers = [], searches = [], options = [] } = dnsConfig;
  if (nameservers.length > maxNameservers) {
    errors.push(invalidValue(`${at}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`));
  }
  for (const [i, server] of nameservers.entries()) errors.push(...ipErrors(`${at}.nameservers[${i}]`, server));
  if (searches.length > maxSearches) {
    errors.push(invalidValue(`${at}.searches`, searches, `must not have more than ${maxSearches} search paths`));
  }
  if (searches.join(' ').length > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.push(invalidValue(`${at}.searches`, searches, detail));
  }
  for (const [i, search] of searches.entries()) {
    const bare = search.replace(/\.$/, '');
    if (search !== '.') addInvalid(errors, `${at}.searches[${i}]`, bare, searchErrors(bare));
  }
  for (const [i, { name }] of options.entries()) if (!name) errors.push(required(`${at}.options[${i}]`, 'must not be empty'));
}

const searchLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const searchFormat = `${searchLabel}(\\.${searchLabel})*`;
const searchPattern = new RegExp(`^${searchFormat}$`);

/** A search domain may have underscores, as Windows domains do. */
function searchErrors(search: string): string[] {
  const errors = search.length > 253 ? [maxLengthError(253)] : [];
  if (!searchPattern.test(search)) {
    const what =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
    errors.push(regexError(what, searchFormat, 'example.com'));
  }
  return errors;
}

export function validateHostNames(spec: PodSpec, path: string, errors: FieldError[]): void {
  if (spec.hostname) addInvalid(errors, `${path}.hostname`, spec.hostname, dns1123LabelErrors(spec.hostname));
  if (spec.subdomain) addInvalid(errors, `${path}.subdomain`, spec.subdomain, dns1123LabelErrors(spec.subdomain));
}

export function validateHostnameOverride(spec: PodSpec, path: string, errors: FieldError[]): void {
  const { hostnameOverride } = spec;
  if (hostnameOverride === undefined) return;
  const at = `${path}.hostnameOverride`;
  if (spec.setHostnameAsFQDN) errors.push(forbidden(at, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork) errors.push(forbidden(at, 'may not be specified when hostNetwork is true'));
  if (hostnameOverride.length > maxHostname) errors.push(tooLong(at, maxHostname));
  addInvalid(errors, at, hostnameOverride, dns1123SubdomainErrors(hostnameOverride));
}

export function validateHostAliases({ hostAliases = [] }: PodSpec, path: string, errors: FieldError[]): void {
  for (const [i, { ip, hostnames = [] }] of hostAliases.entries()) {
    const at = `${path}.hostAliases[${i}]`;
    errors.push(...ipErrors(`${at}.ip`, ip ?? ''));
    for (const [j, name] of hostnames.entries()) addInvalid(errors, `${at}.hostnames[${j}]`, name, dns1123SubdomainErrors(name));
  }
}
