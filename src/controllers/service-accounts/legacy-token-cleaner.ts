/**
 * Gives up tokens of old that nobody uses, once a day. What was used when is noted by the API server on the Secrets, and since when it does
 * so in a ConfigMap.
 * @source pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go, v1.35
 */
import { type corev1, corev1Resources, isApiError, secretNamesOf } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, type Outcome } from '../../client/index.ts';
import { dayOf, invalidSinceLabel, planLegacyTokens } from './legacy-token-plan.ts';
import { tokenSecretType } from './token-secrets.ts';

export interface LegacyTokenOptions {
  /** How long a token must have been unused to be marked, and then to be deleted; default a year. */
  readonly cleanUpPeriodMs?: number;
}

const { configmaps, pods: podsRef, secrets: secretsRef, serviceaccounts } = corev1Resources;
const tracking = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' } as const;
const everything = 'all';
const hourMs = 3_600_000;
const periodMs = 24 * hourMs;
const yearMs = 8_760 * hourMs;

export function createLegacyTokenCleaner({ client, informers, clock }: ControllerContext, options: LegacyTokenOptions = {}): Controller {
  const secrets = informers.informer(secretsRef, { fieldSelector: `type=${tokenSecretType}` });
  const accounts = informers.informer(serviceaccounts);
  const pods = informers.informer(podsRef);

  const reconcile = async (_: string, { signal, log }: Ctx): Promise<Outcome> => {
    const nowMs = clock.now();
    const inUse = new Map<string, ReadonlySet<string>>();
    const plan = planLegacyTokens({
      secrets: secrets.list(),
      accountOf: (key) => accounts.get(key),
      isInUse: ({ metadata: { namespace = '', name } }) => {
        const names = inUse.get(namespace) ?? new Set(pods.list(namespace).flatMap(secretNamesOf));
        inUse.set(namespace, names);
        return names.has(name);
      },
      nowMs,
      cleanUpPeriodMs: options.cleanUpPeriodMs ?? yearMs,
      trackedSince: await trackedSince(signal),
    });
    const nameOf = ({ metadata }: corev1.Secret): string => `${metadata.namespace}/${metadata.name}`;
    // One Secret that cannot be written does not keep the others; a day later comes the next look.
    const attempt = (secret: corev1.Secret, write: Promise<unknown>): Promise<unknown> =>
      write.catch((err: unknown) => {
        signal.throwIfAborted();
        if (!isApiError(err, 'NotFound') && !isApiError(err, 'Conflict')) {
          log.error('a token of old could not be given up', { secret: nameOf(secret), err });
        }
      });
    for (const secret of plan.invalidate) {
      log.info('Mark the auto-generated service account token as invalid', { secret: nameOf(secret) });
      const body = { metadata: { uid: secret.metadata.uid, labels: { [invalidSinceLabel]: dayOf(nowMs) } } };
      await attempt(secret, client.patch(secretsRef, secret.metadata, { type: 'application/merge-patch+json', body }, { signal }));
    }
    for (const secret of plan.remove) {
      log.info('Delete auto-generated service account token', { secret: nameOf(secret) });
      const { uid, resourceVersion } = secret.metadata;
      // A use that was noted meanwhile saves it.
      const body = { preconditions: { uid, ...(resourceVersion !== undefined && { resourceVersion }) } };
      await attempt(secret, client.delete(secretsRef, secret.metadata, { signal, body }));
    }
    return { type: 'retryAfter', delayMs: periodMs };
  };

  /** Undefined: the API server does not note uses. */
  const trackedSince = async (signal: AbortSignal): Promise<string | undefined> => {
    try {
      const { data } = await client.get(configmaps, tracking, { signal });
      return data?.['since'];
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  };

  return { name: 'legacy-serviceaccount-token-cleaner-controller', reconcile, setup: (enqueue) => enqueue(everything), workers: 1 };
}
