/** What has been decided about a request for a certificate. */
import { type certificatesv1, isConditionTrue } from '../../api/index.ts';

export type SigningRequest = certificatesv1.CertificateSigningRequest;

/** The request itself, PEM. */
export function requestPem({ spec }: SigningRequest): string {
  return Buffer.from(spec.request, 'base64').toString();
}

export function isDecided({ status }: SigningRequest): boolean {
  return (status.conditions ?? []).some(({ type }) => type === 'Approved' || type === 'Denied');
}

/** Approved and not denied. */
export function isApproved({ status }: SigningRequest): boolean {
  const types = (status.conditions ?? []).map(({ type }) => type);
  return types.includes('Approved') && !types.includes('Denied');
}

export function hasFailed({ status }: SigningRequest): boolean {
  return isConditionTrue(status.conditions, 'Failed');
}
