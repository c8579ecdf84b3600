/** Names of signers: `domain/path`. @source pkg/apis/core/validation/names.go ValidateSignerName, v1.35 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue, required, tooLong } from '../../field-errors.ts';
import { goQuote } from '../../go-text.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';

const maxDomain = 253;
/** A domain, `/`, a namespace, `.` and a name. */
const maxSignerName = maxDomain + 1 + 253 + 63 + 1;

export function validateSignerName(path: string, name: string, errors: FieldError[]): void {
  if (name === '') {
    errors.push(required(path));
    return;
  }
  const segments = name.split('/');
  const [domain = '', rest = ''] = segments;
  if (segments.length !== 2) {
    errors.push(invalidValue(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
    return;
  }
  if (domain.length > maxDomain) errors.push(tooLong(path, maxDomain));
  const labels = domain.split('.');
  addFirstFault(labels, { path, whole: domain, faultsOf: dns1123LabelErrors }, errors);
  if (labels.length < 2) errors.push(invalidValue(path, domain, 'should be a domain with at least two segments separated by dots'));
  addFirstFault(rest.split('.'), { path, whole: rest, faultsOf: dns1123SubdomainErrors }, errors);
  if (name.length > maxSignerName) errors.push(tooLong(path, maxSignerName));
}

/** The faults of the first wrong label: those of further ones would read the same. */
function addFirstFault(
  labels: readonly string[],
  rule: { readonly path: string; readonly whole: string; readonly faultsOf: (label: string) => string[] },
  errors: FieldError[],
): void {
  const wrong = labels.find((label) => rule.faultsOf(label).length > 0);
  if (wrong === undefined) return;
  const messages = rule.faultsOf(wrong).map((message) => `validating label ${goQuote(wrong)}: ${message}`);
  addInvalid(errors, rule.path, rule.whole, messages);
}
