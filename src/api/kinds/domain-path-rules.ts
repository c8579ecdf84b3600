/** Names of programs as several kinds hold them: `domain/path`, such as `example.com/ingress`. */
import type { FieldError } from '../errors.ts';
import { addInvalid, invalidValue } from '../field-errors.ts';
import { dns1123SubdomainErrors, regexError } from '../names.ts';

const pathText = String.raw`[A-Za-z0-9/\-._~%!$&'()*+,;=:]+`;
const pathPattern = new RegExp(`^${pathText}$`);

/** Faults of a value that is not empty. @source apimachinery pkg/util/validation/validation.go IsDomainPrefixedPath */
export function domainPrefixedPathErrors(path: string, value: string): FieldError[] {
  const slash = value.indexOf('/');
  const [host, rest] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (host === '' || rest === '') return [invalidValue(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const errors: FieldError[] = [];
  addInvalid(errors, path, host, dns1123SubdomainErrors(host));
  if (!pathPattern.test(rest)) errors.push(invalidValue(path, rest, regexError('Invalid path', pathText)));
  return errors;
}
