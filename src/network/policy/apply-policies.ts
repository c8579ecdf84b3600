/**
 * Brings a planner's table into the kernel: changes in one transaction each; after a refusal the whole table, and when that is refused too,
 * the policies that it is refused for are found and put back to what was in force, so that they cost nobody else anything.
 * Invariants: one transaction at a time; what is in the kernel is what was last accepted.
 */
import { type Ctx, isAbort, ProcessError } from '../../base/index.ts';
import type { CompiledPolicy } from './compiled-policy.ts';
import type { PolicyPlanner } from './policy-planner.ts';

export interface Kernel {
  /** Applies a script as one transaction. @throws ProcessError when it is refused */
  apply(script: string, signal: AbortSignal): Promise<void>;
  /** Would it be accepted? */
  check(script: string, signal: AbortSignal): Promise<boolean>;
}

export interface ApplierOptions {
  readonly kernel: Kernel;
  readonly planner: PolicyPlanner;
  /** The table of these policies alone, for the pods of now. */
  readonly trial: (policies: readonly CompiledPolicy[]) => string;
  readonly onRefused: (policy: CompiledPolicy) => void;
}

export class PolicyApplier {
  readonly #options: ApplierOptions;
  /** Policies as the kernel has taken them. */
  readonly #inForce = new Map<string, CompiledPolicy>();
  #whole = true;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** The next transaction replaces the table. */
  distrust(): void {
    this.#whole = true;
  }

  get isDue(): boolean {
    return this.#whole || !this.#options.planner.ledger.isClean;
  }

  /** @throws ProcessError when nft refuses even what no policy is to blame for */
  async apply(ctx: Ctx): Promise<void> {
    const { kernel, planner } = this.#options;
    const used = planner.policiesInUse;
    const whole = this.#whole;
    const script = whole ? planner.ledger.takeWhole() : planner.ledger.takeChange();
    if (script === '') return;
    try {
      this.#whole = true;
      await kernel.apply(script, ctx.signal);
      this.#whole = false;
    } catch (err) {
      if (isAbort(err, ctx.signal) || !(err instanceof ProcessError)) throw err;
      if (!whole) {
        ctx.log.warn('nft refused a change of the policies: writing the whole table', { err });
        await this.apply(ctx);
        return;
      }
      const refused = await this.#refusedOf([...used], ctx.signal);
      if (refused.length === 0) throw err;
      for (const policy of refused) this.#putBack(policy);
      await this.apply(ctx);
      return;
    }
    for (const policy of used) this.#inForce.set(policy.key, policy);
  }

  forget(key: string): void {
    this.#inForce.delete(key);
  }

  #putBack(policy: CompiledPolicy): void {
    const { planner, onRefused } = this.#options;
    onRefused(policy);
    const before = this.#inForce.get(policy.key);
    if (before && before !== policy) planner.setPolicy(before);
    else planner.deletePolicy(policy.key);
  }

  /** Halves what is refused until it is one. */
  async #refusedOf(policies: readonly CompiledPolicy[], signal: AbortSignal): Promise<CompiledPolicy[]> {
    if (policies.length === 0 || (await this.#options.kernel.check(this.#options.trial(policies), signal))) return [];
    if (policies.length === 1) return [...policies];
    const middle = policies.length >> 1;
    const left = await this.#refusedOf(policies.slice(0, middle), signal);
    return [...left, ...(await this.#refusedOf(policies.slice(middle), signal))];
  }
}
