/**
 * Who may approve requests for certificates, and who may sign them, is decided signer by signer: one asks the authorizer for the verb
 * on the signer's name, then on all names of its domain.
 * @source kubernetes plugin/pkg/admission/certificates/{approval,signing}, util.go
 */
import { type certificatesv1, certificatesv1Resources } from '../../api/index.ts';
import { deepEqual } from '../../api/json/index.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { resourceAccess, type Verdict } from '../authorization/index.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

type Request = certificatesv1.CertificateSigningRequest;
type SignerVerb = 'approve' | 'sign';

const { certificatesigningrequests } = certificatesv1Resources;

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  handles: (resource, operation, subresource) =>
    isResource(resource, certificatesigningrequests) && operation === 'UPDATE' && subresource === 'approval',
  validate: (request, ctx) => requireSignerVerb('approve', request, ctx),
};

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  handles: (resource, operation, subresource) =>
    isResource(resource, certificatesigningrequests) && operation === 'UPDATE' && subresource === 'status',
  validate: (request, ctx) => {
    // The resource says so.
    const [now, before] = [(request.object as unknown as Request).status, (request.oldObject as Request).status];
    if (now.certificate === before.certificate && deepEqual(now.conditions ?? [], before.conditions ?? [])) return;
    return requireSignerVerb('sign', request, ctx);
  },
};

/** The stored request counts: what is written may name another signer. @throws ApiError Forbidden */
function requireSignerVerb(verb: SignerVerb, request: AdmissionRequest, ctx: AdmissionContext): void | Promise<void> {
  const { signerName } = (request.oldObject as Request).spec;
  const names = [signerName, `${signerName.split('/')[0]}/*`];
  return askFor(names, verb, request, ctx);
}

function askFor(
  [name, ...others]: readonly string[],
  verb: SignerVerb,
  request: AdmissionRequest,
  ctx: AdmissionContext,
): void | Promise<void> {
  if (name === undefined) {
    const { signerName } = (request.oldObject as Request).spec;
    throw refusal(request, `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`);
  }
  const verdict = ctx.authorize(request.user, resourceAccess({ verb, apiGroup: 'certificates.k8s.io', resource: 'signers', name }));
  const goOn = ({ decision }: Verdict): void | Promise<void> => {
    if (decision !== 'allow') return askFor(others, verb, request, ctx);
  };
  return verdict instanceof Promise ? verdict.then((late) => goOn(late)) : goOn(verdict);
}
