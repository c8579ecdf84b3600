/**
 * Brings a planner's table into the kernel: changes in one transaction each; after a refusal the whole table, and when that is refused too,
 * the policies that it is refused for are found and put back to what was in force, or, where nothing was, closed: they cost nobody else
 * anything and open nothing.
 * Invariants: one transaction at a time; what is in the kernel is what was last accepted.
 */
import { type Ctx, isAbort, ProcessError } from '../../base/index.ts';
import { closedPolicy, type CompiledPolicy, isClosedPolicy } from './compiled-policy.ts';
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
  readonly onAccepted: (policy: CompiledPolicy) => void;
}

export class PolicyApplier {
  readonly #options: ApplierOptions;
  /** Policies as the kernel has taken them. */
  readonly #inForce = new Map<string, CompiledPolicy>();
  /** Policies as they should be, while something else stands for them. */
  readonly #refused = new Map<string, CompiledPolicy>();
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
      // What only closes has nothing in it that could be refused for its own sake.
      const refused = (await this.#refusedOf([...used], ctx.signal)).filter((policy) => !isClosedPolicy(policy));
      if (refused.length === 0) throw err;
      for (const policy of refused) this.#putBack(policy);
      await this.apply(ctx);
      return;
    }
    for (const policy of used) this.#accept(policy);
  }

  /** The policy is another now, or is gone: nobody asks for the refused one any more. */
  withdraw(key: string, { gone = false } = {}): void {
    this.#refused.delete(key);
    if (gone) this.#inForce.delete(key);
  }

  /** Puts refused policies into the plan once more: what refused them may have been the machine. */
  retryRefused(): void {
    for (const policy of this.#refused.values()) this.#options.planner.setPolicy(policy);
  }

  #accept(policy: CompiledPolicy): void {
    this.#inForce.set(policy.key, policy);
    if (this.#refused.get(policy.key) !== policy) return;
    this.#refused.delete(policy.key);
    this.#options.onAccepted(policy);
  }

  #putBack(policy: CompiledPolicy): void {
    const { planner, onRefused } = this.#options;
    onRefused(policy);
    // What stood before may be refused as well, today: the newest is what shall be.
    if (!this.#refused.has(policy.key)) this.#refused.set(policy.key, policy);
    const before = this.#inForce.get(policy.key);
    planner.setPolicy(before && before !== policy ? before : closedPolicy(policy));
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
