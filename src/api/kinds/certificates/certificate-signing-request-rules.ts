/**
 * Validation of requests for certificates. What was asked never changes; who approves may only say so, who signs may only put the
 * certificate in.
 * @source pkg/apis/certificates/validation/validation.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { duplicate, forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../gen/certificates-v1.ts';
import { goQuote } from '../../go-text.ts';
import type { CertificateChecks, StrategyContext } from '../../resource-definition.ts';
import { describeDiff } from '../core/pod/spec-diff.ts';
import { sameJson } from '../immutable.ts';
import { validateSignerName } from './signer-name-rules.ts';

type Request = CertificateSigningRequest;
type Condition = CertificateSigningRequestCondition;

/** Sorted, as messages list them. */
const usages: readonly string[] = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

const legacySigner = 'kubernetes.io/legacy-unknown';
const minExpirationSeconds = 600;
/** Conditions that are there or not; they are never false. */
const lasting: readonly string[] = ['Approved', 'Denied', 'Failed'];

export function validateRequest(request: Request, { certificates }: StrategyContext): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = request;
  const fault = certificates.requestFault(spec.request ?? '');
  if (fault !== undefined) errors.push(invalidValue('spec.request', spec.request ?? '', fault));
  validateUsages(spec.usages ?? [], errors);
  if (spec.signerName === legacySigner) {
    errors.push(invalidValue('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version'));
  } else validateSignerName('spec.signerName', spec.signerName ?? '', errors);
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < minExpirationSeconds) {
    const detail = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.push(invalidValue('spec.expirationSeconds', spec.expirationSeconds, detail));
  }
  validateConditions(request.status.conditions ?? [], errors);
  validateCertificate(request, undefined, certificates, errors);
  return errors;
}

/** @param may what the subresource that is written allows beyond metadata */
export function validateRequestUpdate(
  may: 'nothing' | 'approve' | 'sign',
): (request: Request, old: Request, ctx: StrategyContext) => FieldError[] {
  return ({ status }, old, { certificates }) => {
    const errors: FieldError[] = [];
    // The rest is as it was stored, and was checked then.
    validateConditions(status.conditions ?? [], errors);
    validateCertificate({ status }, old, certificates, errors);
    for (const type of lasting) {
      const [now, before] = [ofType(status.conditions, type), ofType(old.status.conditions, type)];
      if (now.length < before.length) {
        errors.push(forbidden('status.conditions', `updates may not remove a condition of type ${goQuote(type)}`));
      } else if (may !== 'approve' && type !== 'Failed') errors.push(...approvalErrors(type, now, before));
    }
    const certificate = status.certificate ?? '';
    const before = old.status.certificate ?? '';
    if (certificate !== before) {
      if (may !== 'sign') errors.push(forbidden('status.certificate', 'updates may not set certificate content'));
      else if (before !== '') errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
    }
    return errors;
  };
}

function approvalErrors(type: string, now: readonly Condition[], before: readonly Condition[]): FieldError[] {
  if (now.length > before.length) {
    return [forbidden('status.conditions', `updates may not add a condition of type ${goQuote(type)}`)];
  }
  if (sameJson(now, before)) return [];
  const diff = describeDiff('certificates.CertificateSigningRequestCondition', before, now);
  return [forbidden('status.conditions', `updates may not modify a condition of type ${goQuote(type)}\n${diff}`)];
}

function ofType(conditions: readonly Condition[] | undefined, type: string): readonly Condition[] {
  return (conditions ?? []).filter((condition) => condition.type === type);
}

function validateUsages(given: readonly string[], errors: FieldError[]): void {
  if (given.length === 0) errors.push(required('spec.usages'));
  for (const [i, usage] of given.entries()) {
    if (!usages.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, usages));
  }
  for (const [i, usage] of given.entries()) if (given.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage));
}

function validateConditions(conditions: readonly Partial<Condition>[], errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, { type = '', status = '' }] of conditions.entries()) {
    const path = `status.conditions[${i}]`;
    if (type === '') errors.push(required(`${path}.type`));
    const values = lasting.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') errors.push(required(`${path}.status`));
    else if (!values.includes(status)) errors.push(notSupported(`${path}.status`, status, values));
    if ((type === 'Approved' && seen.has('Denied')) || (type === 'Denied' && seen.has('Approved'))) {
      errors.push(invalidValue(`${path}.type`, type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (seen.has(type)) errors.push(duplicate(`${path}.type`, type));
    seen.add(type);
  }
}

function validateCertificate(
  { status }: Pick<Request, 'status'>,
  old: Request | undefined,
  { certificateFault }: CertificateChecks,
  errors: FieldError[],
): void {
  const { certificate } = status;
  if (!certificate || certificate === old?.status.certificate) return;
  const fault = certificateFault(certificate);
  if (fault !== undefined) errors.push(invalidValue('status.certificate', '<certificate data>', fault));
}
