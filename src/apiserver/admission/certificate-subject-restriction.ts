/**
 * Nobody gets a client certificate of the group that may do everything: such a request is refused before anybody can approve it.
 * @source kubernetes plugin/pkg/admission/certificates/subjectrestriction
 */
import { type certificatesv1, certificatesv1Resources } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { mastersGroup } from '../auth/users.ts';
import { parseCertificateRequest } from '../registry/certificate-checks.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

const clientSigner = 'kubernetes.io/kube-apiserver-client';

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (resource, operation, subresource) =>
    isResource(resource, certificatesv1Resources.certificatesigningrequests) && operation === 'CREATE' && subresource === '',
  validate: (request) => {
    // The resource says so.
    const { spec } = request.object as unknown as certificatesv1.CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    const parsed = parseCertificateRequest(spec.request);
    if (typeof parsed === 'string') throw refusal(request, `failed to parse CSR: ${parsed}`);
    if (parsed.organizations.includes(mastersGroup)) {
      throw refusal(request, `use of ${clientSigner} signer with ${mastersGroup} group is not allowed`);
    }
  },
};
