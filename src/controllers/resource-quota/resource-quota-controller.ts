/**
 * Counts again what the quotas of each namespace limit: for a new quota, when something is deleted, and every few minutes, since a
 * write that was charged can still fail. Admission charges; only here does anything become less.
 * @source pkg/controller/resourcequota, v1.35
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import { type QuotaEvaluator, readAmounts, sameAmounts, writeAmounts } from '../../api/quota/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { Monitors } from './monitors.ts';
import { countUsage, isLower } from './usage.ts';

type ResourceQuota = corev1.ResourceQuota;

export interface ResourceQuotaOptions {
  /** Between two full counts of a quota; default 5 minutes. */
  readonly resyncMs?: number;
}

/**
 * A write is charged before it is stored, so for a moment there is less than what is charged. Nothing is given back while the last
 * charge is younger than this …
 */
const chargeSettlesMs = 300;
/** … but where charges never end, it is given back after this long. */
const longestWaitMs = 2_000;

/** A count that was lower than what is charged and had to wait. */
interface Waiting {
  readonly resourceVersion: string;
  readonly versionSeenMs: number;
  readonly sinceMs: number;
}

export function createResourceQuotaController(context: ControllerContext, options: ResourceQuotaOptions = {}): Controller {
  const { client, informers, clock } = context;
  const resyncMs = options.resyncMs ?? 5 * 60_000;
  const quotas = informers.informer(corev1Resources.resourcequotas);
  const waiting = new Map<string, Waiting>();
  let enqueue: (key: string) => void = () => {};

  const freed = (namespace: string, evaluator: QuotaEvaluator): void => {
    for (const quota of quotas.list(namespace)) {
      if (Object.keys(quota.status.hard ?? {}).some((name) => evaluator.matchesResource(name))) enqueue(keyOf(quota));
    }
  };
  const monitors = new Monitors(context, freed);

  const setup = (add: (key: string) => void): void => {
    enqueue = add;
    const wake = (quota: ResourceQuota): void => add(keyOf(quota));
    quotas.addHandler({
      added: wake,
      // What is charged changes the status all the time: only another limit is news.
      updated: (old, quota) => {
        if (!semanticEqual(old.spec.hard, quota.spec.hard)) wake(quota);
      },
      deleted: (quota) => waiting.delete(keyOf(quota)),
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const { hard = {} } = quotas.get(splitKey(key))?.spec ?? {};
    const watched = await monitors.forNames(Object.keys(hard), signal);
    // Read after the wait, and compared with the store by its version.
    const quota = quotas.get(splitKey(key));
    if (!quota) return done;
    const { namespace = '' } = quota.metadata;
    const counted = watched.map(({ evaluator, informer }) => ({ evaluator, objects: informer.list(namespace) }));
    const used = countUsage(quota, counted, clock.now());
    const before = readAmounts(quota.status.used);
    const isRight = quota.status.used !== undefined && semanticEqual(quota.spec.hard, quota.status.hard) && sameAmounts(used, before);
    if (!isRight) {
      const delayMs = isLower(used, before) ? waitFor(key, quota) : 0;
      if (delayMs > 0) return { type: 'retryAfter', delayMs };
      const status = { hard: quota.spec.hard ?? {}, used: writeAmounts(used) };
      await client.updateStatus(corev1Resources.resourcequotas, { ...quota, status }, { signal });
    }
    waiting.delete(key);
    return { type: 'retryAfter', delayMs: resyncMs };
  };

  /** Milliseconds to wait until what was charged last is stored. */
  const waitFor = (key: string, { metadata: { resourceVersion } }: ResourceQuota): number => {
    const nowMs = clock.monotonic();
    const last = waiting.get(key);
    const current: Waiting = {
      resourceVersion,
      versionSeenMs: last?.resourceVersion === resourceVersion ? last.versionSeenMs : nowMs,
      sinceMs: last?.sinceMs ?? nowMs,
    };
    waiting.set(key, current);
    return Math.min(current.versionSeenMs + chargeSettlesMs, current.sinceMs + longestWaitMs) - nowMs;
  };

  return { name: 'resourcequota-controller', reconcile, setup, workers: 5 };
}
