/**
 * Charges writes to the quotas of their namespaces. All writes that wait in one namespace are checked one after the other against
 * the same running numbers and charged with one write of each quota's status, so that a burst costs two commits and not a hundred.
 * Invariants: one settlement a namespace at a time; nothing is charged but by a status write that names the version it was
 * computed from, so several servers count right together; a write goes on only after its charge is stored.
 * @source apiserver pkg/admission/plugin/resourcequota/controller.go, v1.35
 */
import { type corev1, corev1Resources, isApiError } from '../../../api/index.ts';
import { deepCopy } from '../../../api/json/index.ts';
import { type QuotaEvaluator, sameAmounts, writeAmounts } from '../../../api/quota/index.ts';
import { loopbackUser } from '../../auth/users.ts';
import type { Operation, Registry } from '../../storage.ts';
import type { NamespaceIndex } from '../namespace-index.ts';
import { type ChargedWrite, checkRequest, type RunningQuota, runningQuota } from './check-request.ts';
import type { LimitedResource } from './configuration.ts';

type ResourceQuota = corev1.ResourceQuota;

/** Settlements that may lose against another writer before the writes of the batch fail. */
const maxLostRaces = 3;

export interface Charge extends ChargedWrite {
  readonly namespace: string;
  readonly evaluator: QuotaEvaluator;
  /** Checked, not charged. */
  readonly dryRun: boolean;
}

export interface LedgerOptions {
  readonly registry: Registry;
  readonly quotas: NamespaceIndex<ResourceQuota>;
  readonly limited: readonly LimitedResource[];
  readonly now: () => number;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly charge: Charge;
  /** @param why undefined: it fits and is charged */
  readonly decide: (why: string | undefined) => void;
  readonly fail: (error: unknown) => void;
}

export class QuotaLedger {
  readonly #options: LedgerOptions;
  readonly #op: Operation;
  /** Namespaces that are being settled, with what came meanwhile. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#op = { user: loopbackUser, signal: options.signal, warn: () => {} };
  }

  /** Resolves to why the write does not fit, or undefined when it fits and is charged. @throws ApiError when it cannot be charged */
  charge(charge: Charge): Promise<string | undefined> {
    const { namespace } = charge;
    return new Promise((decide, fail) => {
      const waiting = this.#waiting.get(namespace);
      if (waiting) {
        waiting.push({ charge, decide, fail });
        return;
      }
      this.#waiting.set(namespace, []);
      void this.#settleAll(namespace, [{ charge, decide, fail }]);
    });
  }

  async #settleAll(namespace: string, first: readonly Waiting[]): Promise<void> {
    for (let batch = first; batch.length > 0; batch = this.#waiting.get(namespace) ?? []) {
      this.#waiting.set(namespace, []);
      try {
        await this.#settle(namespace, batch);
      } catch (error) {
        // Whoever is decided already does not hear it.
        for (const { fail } of batch) fail(error);
      }
    }
    this.#waiting.delete(namespace);
  }

  async #settle(namespace: string, batch: readonly Waiting[]): Promise<void> {
    let quotas = (this.#options.quotas.of(namespace) ?? []).map(runningQuota);
    let undecided = batch;
    for (let lost = 0; ; lost++) {
      const { after, charged } = this.#check(quotas, undecided);
      const changed = after.filter((quota, i) => !sameAmounts(quota.used, quotas[i]!.used));
      const failures = await this.#write(changed);
      if (failures.length === 0) {
        for (const { decide } of charged) decide(undefined);
        return;
      }
      if (lost === maxLostRaces) throw failures[0]!.error;
      undecided = charged;
      quotas = await this.#reread(failures.map(({ quota }) => quota.object));
    }
  }

  /** Decides what can be decided without a write; the rest is charged in `after`. */
  #check(quotas: readonly RunningQuota[], waiting: readonly Waiting[]): { after: readonly RunningQuota[]; charged: Waiting[] } {
    const { limited, now } = this.#options;
    let after = quotas;
    const charged: Waiting[] = [];
    for (const one of waiting) {
      const { evaluator, dryRun } = one.charge;
      const verdict = checkRequest(after, one.charge, { evaluator, limited, nowMs: now() });
      if (verdict.type === 'refused') one.decide(verdict.why);
      else if (dryRun || verdict.quotas === after) one.decide(undefined);
      else {
        after = verdict.quotas;
        charged.push(one);
      }
    }
    return { after, charged };
  }

  /** Returns the quotas that another writer changed meanwhile. */
  async #write(changed: readonly RunningQuota[]): Promise<readonly { readonly quota: RunningQuota; readonly error: unknown }[]> {
    const storage = this.#options.registry.storage(corev1Resources.resourcequotas);
    const results = await Promise.allSettled(
      changed.map(({ object, used }) => {
        const draft = deepCopy<ResourceQuota>(object);
        draft.status.used = writeAmounts(used);
        const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
        return storage.update(key, draft, { subresource: 'status', fieldManager: 'kube-apiserver' }, this.#op);
      }),
    );
    return results.flatMap((result, i) => (result.status === 'rejected' ? [{ quota: changed[i]!, error: result.reason as unknown }] : []));
  }

  /** The newest versions; what was deleted does not limit any more. The other quotas are charged already. */
  async #reread(quotas: readonly ResourceQuota[]): Promise<RunningQuota[]> {
    const storage = this.#options.registry.storage(corev1Resources.resourcequotas);
    const found = await Promise.all(
      quotas.map(({ metadata: { namespace = '', name } }) =>
        storage.get({ namespace, name }, this.#op).catch((error: unknown) => {
          if (isApiError(error, 'NotFound')) return undefined;
          throw error;
        }),
      ),
    );
    return found.filter((quota) => quota !== undefined).map(runningQuota);
  }
}
