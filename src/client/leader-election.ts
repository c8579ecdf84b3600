/**
 * One leader at a time, by a Lease that it renews. Times in the Lease are not trusted: a candidate measures by its own clock how long
 * the Lease has stood unchanged. That alone does not stop a paused leader from writing; the fence that a term hands out does.
 * @source client-go tools/leaderelection
 */
import { type coordinationv1, coordinationv1Resources, isApiError, type Unsaved } from '../api/index.ts';
import { assert, type Clock, type Ctx, formatMicroTime, type Logger, type Random } from '../base/index.ts';
import type { Client } from './client.ts';
import type { Fence } from './transport.ts';
import { untilAborted } from './until-aborted.ts';

export interface LeaderElectionOptions {
  readonly client: Client;
  /** The Lease; made when it is not there. */
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Different in every process, such as `host_uuid`. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Others take over when the Lease stood unchanged for this long; default 15 s. */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for this long stops leading; default 10 s. */
  readonly renewDeadlineMs?: number;
  /** Between tries; default 2 s. */
  readonly retryPeriodMs?: number;
  /** Gives the Lease up when `signal` aborts, so that the next leader need not wait; default true. */
  readonly releaseOnStop?: boolean;
  /** Leading began. `ctx.signal` aborts when it ends. */
  readonly onStarted: (ctx: Ctx, fence: Fence) => Promise<void>;
  /** Leading ended and `onStarted` has returned. Not called when it never began. */
  readonly onStopped?: () => void;
  readonly onNewLeader?: (identity: string) => void;
}

/** Waits between tries of a candidate are stretched by up to this much of themselves, so that not all try at once. */
const jitter = 1.2;
/** First wait of a candidate whom nobody answers; it doubles. */
const firstRetryMs = 50;

type Lease = coordinationv1.Lease;

class Election {
  readonly #options: LeaderElectionOptions;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  #observed: Lease | undefined;
  #observedAtMs = 0;
  #reported: string | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
    assert(this.#leaseDurationMs > this.#renewDeadlineMs, 'leaseDuration must be greater than renewDeadline');
    assert(this.#renewDeadlineMs > this.#retryPeriodMs * jitter, 'renewDeadline must be greater than retryPeriod*JitterFactor');
  }

  async run(): Promise<void> {
    const { log, signal, onStarted, onStopped, clock, random, releaseOnStop = true } = this.#options;
    for (let failures = 0; !(await this.#try(signal));) {
      // Somebody else leads, or the server is not there yet, such as right after its start: then soon again.
      const heldByOther = this.#observed !== undefined && this.#isHeld();
      const waitMs = heldByOther ? this.#retryPeriodMs : Math.min(this.#retryPeriodMs, firstRetryMs * 2 ** failures++);
      await clock.sleep(waitMs * (1 + jitter * random.next()), signal);
    }
    log.info('became leader', { lease: this.#name(), identity: this.#options.identity });
    const term = new AbortController();
    const work = onStarted({ signal: term.signal, log }, this.#fence()).catch((err: unknown) => {
      if (!term.signal.aborted) log.error('the leader failed', { lease: this.#name(), err });
    });
    try {
      await this.#renewUntilLost(signal, work);
    } finally {
      term.abort(signal.reason);
      await work;
      if (releaseOnStop) await this.#release();
      log.info('stopped leading', { lease: this.#name() });
      onStopped?.();
    }
  }

  /** Ends when the Lease could not be renewed in time, or when the work of the term ended by itself. */
  async #renewUntilLost(signal: AbortSignal, work: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const ended = new AbortController();
    void work.then(() => ended.abort());
    for (let renewedMs = clock.monotonic(); ;) {
      await clock.sleep(this.#retryPeriodMs, signal);
      if (ended.signal.aborted) return;
      const deadline = new AbortController();
      const leftMs = renewedMs + this.#retryPeriodMs + this.#renewDeadlineMs - clock.monotonic();
      if (leftMs <= 0) return;
      using _timer = clock.setTimer(leftMs, () => deadline.abort());
      const renewed = await untilAborted(this.#try(AbortSignal.any([signal, deadline.signal])), deadline.signal).catch(() => false);
      signal.throwIfAborted();
      if (renewed) renewedMs = clock.monotonic();
      else if (this.#observed?.spec.holderIdentity !== this.#options.identity && this.#isHeld()) return;
    }
  }

  /** Takes or renews the Lease; false when another holds it or the server did not let us. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { client, lease, identity, log } = this.#options;
    try {
      // The leader guesses that its last write still stands, which saves a read; a conflict says otherwise.
      if (this.#observed?.spec.holderIdentity === identity && this.#isHeld()) {
        try {
          this.#observe(await client.update(coordinationv1Resources.leases, this.#mine(this.#observed), { signal }));
          return true;
        } catch (error) {
          if (!isApiError(error, 'Conflict')) throw error;
        }
      }
      const current = await this.#read(signal);
      if (!current) {
        const made = await client.create(coordinationv1Resources.leases, this.#mine(undefined), { signal });
        this.#observe(made);
        return true;
      }
      this.#observe(current);
      const holder = current.spec.holderIdentity ?? '';
      if (holder !== '' && holder !== identity && this.#isHeld()) return false;
      this.#observe(await client.update(coordinationv1Resources.leases, this.#mine(current), { signal }));
      return true;
    } catch (err) {
      signal.throwIfAborted();
      log.debug('the lease was not taken', { lease: `${lease.namespace}/${lease.name}`, err });
      return false;
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#options.client.get(coordinationv1Resources.leases, this.#options.lease, { signal });
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** The Lease as this candidate holds it from now on. */
  #mine<Current extends Lease | undefined>(current: Current): Current extends Lease ? Lease : Unsaved<Lease> {
    const { lease, identity, clock } = this.#options;
    const now = formatMicroTime(clock.now());
    const renewing = current?.spec.holderIdentity === identity;
    const mine: Unsaved<Lease> = {
      ...(current ?? { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease }),
      spec: {
        ...current?.spec,
        holderIdentity: identity,
        leaseDurationSeconds: Math.floor(this.#leaseDurationMs / 1000),
        acquireTime: (renewing && current.spec.acquireTime) || now,
        renewTime: now,
        leaseTransitions: (current?.spec.leaseTransitions ?? 0) + (renewing || !current ? 0 : 1),
      },
    };
    // With a current Lease the metadata is that one's, whole.
    return mine as Current extends Lease ? Lease : Unsaved<Lease>;
  }

  #observe(lease: Lease): void {
    if (JSON.stringify(lease.spec) !== JSON.stringify(this.#observed?.spec)) this.#observedAtMs = this.#options.clock.monotonic();
    this.#observed = lease;
    const holder = lease.spec.holderIdentity ?? '';
    if (holder === this.#reported) return;
    this.#reported = holder;
    this.#options.onNewLeader?.(holder);
  }

  /** The Lease has not stood unchanged for longer than it says. */
  #isHeld(): boolean {
    const durationMs = (this.#observed?.spec.leaseDurationSeconds ?? 0) * 1000;
    return this.#observedAtMs + durationMs > this.#options.clock.monotonic();
  }

  #fence(): Fence {
    return { lease: this.#name(), holder: this.#options.identity, transitions: this.#observed?.spec.leaseTransitions ?? 0 };
  }

  #name(): string {
    const { namespace, name } = this.#options.lease;
    return `${namespace}/${name}`;
  }

  async #release(): Promise<void> {
    const { client, identity, clock, log } = this.#options;
    const held = this.#observed;
    if (held?.spec.holderIdentity !== identity) return;
    const now = formatMicroTime(clock.now());
    const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    const giveUp = new AbortController();
    using _timer = clock.setTimer(this.#retryPeriodMs, () => giveUp.abort());
    try {
      await client.update(coordinationv1Resources.leases, { ...held, spec }, { signal: giveUp.signal });
    } catch (err) {
      // Another has it, or the server is gone: the Lease ends by itself.
      log.debug('the lease was not released', { lease: this.#name(), err });
    }
  }
}

/**
 * Waits to be elected, leads until leadership is lost, then resolves; whoever wants to lead again calls again.
 * @throws the signal's reason when it aborts, after `onStarted` has ended
 */
export function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  return new Election(options).run();
}
