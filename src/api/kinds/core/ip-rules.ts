/** Addresses that endpoints may not have. @source pkg/apis/core/validation/validation.go ValidateNonSpecialIP, v1.35 */
import type { FieldError } from '../../errors.ts';
import { invalidValue } from '../../field-errors.ts';
import { isLinkLocalMulticast, isLinkLocalUnicast, isLoopback, isUnspecified, parseIp } from '../../ip.ts';

/** Refuses addresses that only mean something on one machine or link. */
export function nonSpecialIpErrors(path: string, text: string): FieldError[] {
  const address = parseIp(text);
  if (!address) return [invalidValue(path, text, 'must be a valid IP address')];
  const errors: FieldError[] = [];
  if (isUnspecified(address)) errors.push(invalidValue(path, text, `may not be unspecified (${text})`));
  if (isLoopback(address)) errors.push(invalidValue(path, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  if (isLinkLocalUnicast(address)) {
    errors.push(invalidValue(path, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  }
  if (isLinkLocalMulticast(address)) {
    errors.push(invalidValue(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'));
  }
  return errors;
}
