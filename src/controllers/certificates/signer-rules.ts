/**
 * What each of the cluster's own signers signs. Pure: a request's facts in, the reason of a refusal out, in upstream's words.
 * @source pkg/apis/certificates/helpers.go, pkg/controller/certificates/signer/signer.go, v1.35
 */
import type { CertificateRequest } from '../../pki/index.ts';

export const signerNames = [
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/legacy-unknown',
] as const;

export type SignerName = (typeof signerNames)[number];

export function isSignerName(name: string): name is SignerName {
  return (signerNames as readonly string[]).includes(name);
}

type RequestedNames = Omit<CertificateRequest, 'publicKey'>;

const nodes = 'system:nodes';
const nodePrefix = 'system:node:';

/** Why the signer does not sign the request; undefined: it does. */
export function signerRefusal(signer: SignerName, request: RequestedNames, usages: readonly string[]): string | undefined {
  switch (signer) {
    case 'kubernetes.io/kubelet-serving':
      return servingRefusal(request, usages);
    case 'kubernetes.io/kube-apiserver-client-kubelet':
      return kubeletClientRefusal(request, usages);
    case 'kubernetes.io/kube-apiserver-client':
      return clientUsagesRefusal(usages);
    default:
      return undefined;
  }
}

function servingRefusal(request: RequestedNames, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return 'subject organization is not system:nodes';
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return usagesRefusal(usages, 'server auth') ?? nodeNameRefusal(request);
}

export function kubeletClientRefusal(request: RequestedNames, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return 'subject organization is not system:nodes';
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return nodeNameRefusal(request) ?? usagesRefusal(usages, 'client auth');
}

function isOfNodes({ subject }: RequestedNames): boolean {
  return subject.organizations.length === 1 && subject.organizations[0] === nodes;
}

function nodeNameRefusal({ subject }: RequestedNames): string | undefined {
  return subject.commonName.startsWith(nodePrefix) ? undefined : 'subject common name does not begin with system:node:';
}

/** Encipherment is for RSA keys only and may be left out. */
function usagesRefusal(usages: readonly string[], purpose: 'client auth' | 'server auth'): string | undefined {
  const required = ['digital signature', 'key encipherment', purpose].toSorted();
  const given = new Set(usages);
  const same = (wanted: readonly string[]): boolean => wanted.length === given.size && wanted.every((usage) => given.has(usage));
  if (same(required) || same(['digital signature', purpose])) return undefined;
  return `usages did not match [${required.join(' ')}]`;
}

function clientUsagesRefusal(usages: readonly string[]): string | undefined {
  const strange = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage));
  if (strange !== undefined) return `invalid usage for client certificate: ${strange}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

const shortestMs = 10 * 60_000;

/** How long a certificate is to last: as was asked, between ten minutes and the longest that the signer grants. */
export function grantedMs(expirationSeconds: number | undefined, longestMs: number): number {
  return expirationSeconds === undefined ? longestMs : Math.min(longestMs, Math.max(shortestMs, expirationSeconds * 1000));
}
