/**
 * Signs approved requests of the cluster's own signers, each with the authority that it was given.
 * @source pkg/controller/certificates/signer/signer.go, v1.35
 */
import { certificatesv1Resources } from '../../api/index.ts';
import { type Ctx, formatTime } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { type CertificateAndKey, CertificateAuthority, readCertificateRequest } from '../../pki/index.ts';
import { hasFailed, isApproved, requestPem, type SigningRequest } from './request-state.ts';
import { grantedMs, isSignerName, type SignerName, signerRefusal } from './signer-rules.ts';

export interface SigningOptions {
  /** The authority of a signer as it is now, PEM; undefined: its requests are left alone. */
  readonly authorityOf: (signer: SignerName) => CertificateAndKey | undefined;
  /** The longest life of a certificate; default one year. */
  readonly durationMs?: number;
}

const yearMs = 365 * 24 * 3_600_000;

export function createCertificateSigningController(context: ControllerContext, options: SigningOptions): Controller {
  const { client, informers, clock, random } = context;
  const { authorityOf, durationMs = yearMs } = options;
  const requests = informers.informer(certificatesv1Resources.certificatesigningrequests);

  const sign = async (request: SigningRequest, authority: CertificateAndKey, signer: SignerName): Promise<SigningRequest['status']> => {
    const { usages = [], expirationSeconds } = request.spec;
    const pem = requestPem(request);
    const message = signerRefusal(signer, await readCertificateRequest(pem), usages);
    if (message !== undefined) {
      const failed = {
        type: 'Failed',
        status: 'True',
        reason: 'SignerValidationFailure',
        message,
        lastUpdateTime: formatTime(clock.now()),
      };
      return { ...request.status, conditions: [...(request.status.conditions ?? []), failed] };
    }
    const validityMs = grantedMs(expirationSeconds, durationMs);
    const certificate = await CertificateAuthority.load(authority, { clock, random }).signAsRequested(pem, { usages, validityMs });
    return { ...request.status, certificate: Buffer.from(certificate).toString('base64') };
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const request = requests.get({ name });
    if (!request || request.status.certificate || !isApproved(request) || hasFailed(request)) return done;
    const { signerName } = request.spec;
    const authority = isSignerName(signerName) ? authorityOf(signerName) : undefined;
    if (!authority || !isSignerName(signerName)) return done;
    const status = await sign(request, authority, signerName);
    await client.updateStatus(certificatesv1Resources.certificatesigningrequests, { ...request, status }, { signal });
    return done;
  };

  const setup = (enqueue: (key: string) => void): void => {
    requests.addHandler({
      added: ({ metadata }) => enqueue(metadata.name),
      updated: (_, { metadata }) => enqueue(metadata.name),
    });
  };

  return { name: 'certificatesigningrequest-signing-controller', reconcile, setup, workers: 5 };
}
