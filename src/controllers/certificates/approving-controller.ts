/**
 * Approves what kubelets ask for: a certificate of a node, by whoever may ask for one, or a new one of the node itself.
 * @source pkg/controller/certificates/approver/sarapprove.go, v1.35
 */
import { type authorizationv1, authorizationv1Resources, certificatesv1Resources, type JsonObject } from '../../api/index.ts';
import { type Ctx, KeyedBackoff } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { PkiError, readCertificateRequest } from '../../pki/index.ts';
import { isDecided, requestPem, type SigningRequest } from './request-state.ts';
import { kubeletClientRefusal } from './signer-rules.ts';

const signer = 'kubernetes.io/kube-apiserver-client-kubelet';

/** In the order in which they are tried: the right that is needed, and what the approval says. */
const recognized = [
  {
    subresource: 'selfnodeclient',
    ownOnly: true,
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  },
  { subresource: 'nodeclient', ownOnly: false, message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
] as const;

/** Whoever was not allowed may be later. @source pkg/controller/certificates/certificate_controller.go */
const refusedBackoff = { initialMs: 200, maxMs: 1_000_000 };

export function createCertificateApprovingController({ client, informers }: ControllerContext): Controller {
  const requests = informers.informer(certificatesv1Resources.certificatesigningrequests);
  const backoff = new KeyedBackoff<string>(refusedBackoff);

  const mayAsk = async (request: SigningRequest, subresource: string, signal: AbortSignal): Promise<boolean> => {
    const review = accessReview(request, subresource) as unknown as authorizationv1.SubjectAccessReview;
    const { status } = await client.create(authorizationv1Resources.subjectaccessreviews, review, { signal });
    return status.allowed;
  };

  const reconcile = async (name: string, { signal, log }: Ctx): Promise<Outcome> => {
    const request = requests.get({ name });
    if (!request || request.spec.signerName !== signer || request.status.certificate || isDecided(request)) return done;
    const asked = await readCertificateRequest(requestPem(request)).catch((error: unknown) => {
      // The API server takes none that it cannot read; what is left is beyond trying again.
      if (error instanceof PkiError) return undefined;
      throw error;
    });
    if (!asked || kubeletClientRefusal(asked, request.spec.usages ?? []) !== undefined) return done;
    const isOwn = request.spec.username === asked.subject.commonName;
    for (const { subresource, ownOnly, message } of recognized) {
      if ((ownOnly && !isOwn) || !(await mayAsk(request, subresource, signal))) continue;
      const approval = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
      const body = { ...request, status: { ...request.status, conditions: [...(request.status.conditions ?? []), approval] } };
      const call = { name: 'approval', verb: 'update', body: body as unknown as JsonObject } as const;
      await client.subresource(certificatesv1Resources.certificatesigningrequests, { name }, call, { signal });
      return done;
    }
    log.debug('recognized a request, but subject access review was not approved', { request: name });
    return { type: 'retryAfter', delayMs: backoff.next(request.metadata.uid) };
  };

  const setup = (enqueue: (key: string) => void): void => {
    requests.addHandler({
      added: ({ metadata }) => enqueue(metadata.name),
      updated: (_, { metadata }) => enqueue(metadata.name),
      deleted: ({ metadata }) => backoff.forget(metadata.uid),
    });
  };

  return { name: 'certificatesigningrequest-approving-controller', reconcile, setup, workers: 5 };
}

function accessReview({ spec }: SigningRequest, subresource: string): object {
  const { username, uid, groups, extra } = spec;
  const resourceAttributes = {
    group: 'certificates.k8s.io',
    resource: 'certificatesigningrequests',
    verb: 'create',
    subresource,
    version: '*',
  };
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: { user: username, ...(uid && { uid }), ...(groups && { groups }), ...(extra && { extra }), resourceAttributes },
  };
}
