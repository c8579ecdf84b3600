/**
 * Takes requests away that nobody needs any more: old ones that were never decided, were denied, failed, or have their certificate.
 * @source pkg/controller/certificates/cleaner/cleaner.go, v1.35
 */
import { X509Certificate } from 'node:crypto';
import { certificatesv1Resources, isApiError } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import type { SigningRequest } from './request-state.ts';

const hourMs = 3_600_000;
const approvedMs = hourMs;
const deniedMs = hourMs;
const pendingMs = 24 * hourMs;

/** When the request may go; undefined: not by itself. Pure. */
export function expiryOf({ metadata, status }: SigningRequest): number | undefined {
  const { conditions = [], certificate } = status;
  const times: number[] = [];
  const after = (time: string | undefined, waitMs: number): void => {
    if (time !== undefined) times.push(Date.parse(time) + waitMs);
  };
  if (conditions.length === 0) after(metadata.creationTimestamp, pendingMs);
  for (const { type, lastUpdateTime } of conditions) {
    if (type === 'Denied' || type === 'Failed') after(lastUpdateTime, deniedMs);
    if (type === 'Approved' && certificate) {
      after(lastUpdateTime, approvedMs);
      times.push(certificateEnd(certificate));
    }
  }
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** A certificate that cannot be read never ends. */
function certificateEnd(certificate: string): number {
  try {
    return new X509Certificate(Buffer.from(certificate, 'base64')).validToDate.getTime();
  } catch {
    // Only unreadable input throws.
    return Infinity;
  }
}

export function createCertificateCleanerController({ client, informers, clock }: ControllerContext): Controller {
  const requests = informers.informer(certificatesv1Resources.certificatesigningrequests);

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const request = requests.get({ name });
    const endMs = request && expiryOf(request);
    if (!request || endMs === undefined || endMs === Infinity) return done;
    const leftMs = endMs - clock.now();
    if (leftMs >= 0) return { type: 'retryAfter', delayMs: leftMs + 1 };
    const body = { preconditions: { uid: request.metadata.uid } };
    await client.delete(certificatesv1Resources.certificatesigningrequests, { name }, { signal, body }).catch((error: unknown) => {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    });
    return done;
  };

  const setup = (enqueue: (key: string) => void): void => {
    requests.addHandler({
      added: ({ metadata }) => enqueue(metadata.name),
      updated: (_, { metadata }) => enqueue(metadata.name),
    });
  };

  return { name: 'certificatesigningrequest-cleaner-controller', reconcile, setup, workers: 1 };
}
