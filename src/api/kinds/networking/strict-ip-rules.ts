/**
 * Addresses and ranges in fields that were always strict: one text for each. Fields of old take more (`src/api/ip.ts`).
 * @source apimachinery pkg/util/validation/ip.go IsValidIP and IsValidCIDR, v1.35
 */
import { formatCidr, formatIp, networkOf, parseCidr, parseIp } from '../../ip.ts';
import { goQuote } from '../../go-text.ts';

const leadingZero = /(?:^|[.:])0[0-9]+(?=\.|$)/;

/** What is wrong with an address; empty when it is fine. */
export function strictIpErrors(value: string): string[] {
  const address = parseIp(value);
  if (!address) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
  const errors = oddForms(value, address.family === 'IPv4');
  if (errors.length > 0) return errors;
  const canonical = formatIp(address);
  return canonical === value ? [] : [`must be in canonical form (${goQuote(canonical)})`];
}

/** The same of a range, which also has no bits after its prefix. */
export function strictCidrErrors(value: string): string[] {
  const range = parseCidr(value);
  if (!range) return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
  const [address = '', length = ''] = value.split('/');
  const errors = oddForms(address, range.address.family === 'IPv4');
  if (/^0[0-9]/.test(length)) errors.push('must not have leading 0s in prefix length');
  if (networkOf(range).value !== range.address.value) errors.push('must not have bits set beyond the prefix length');
  if (errors.length > 0) return errors;
  const canonical = formatCidr(range);
  return canonical === value ? [] : [`must be in canonical form (${goQuote(canonical)})`];
}

function oddForms(text: string, isV4: boolean): string[] {
  const errors: string[] = [];
  if (leadingZero.test(text) && text.includes('.')) errors.push('must not have leading 0s');
  if (isV4 && text.includes(':')) errors.push('must not be an IPv4-mapped IPv6 address');
  return errors;
}
