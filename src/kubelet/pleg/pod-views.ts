/**
 * Knows what the engine holds of each pod and tells when it changes (upstream's PLEG and its cache). Invariants: the list is the
 * truth and the events only make it quick; a view is served from memory until something said that it may be stale; whoever changed a
 * pod invalidates its view.
 * @source pkg/kubelet/pleg/generic.go, v1.35; KEP-3386 for events
 */
import { formatDuration } from '../../api/index.ts';
import { type Clock, type Ctx, isAbort, type Logger } from '../../base/index.ts';
import { podOfLabels } from '../pods/labels.ts';
import { observePod, type PodView } from '../pods/pod-view.ts';
import { isRuntimeError, type EngineContainer, type PodSandbox, type RuntimeService } from '../runtime/runtime.ts';

export interface PodIdentity {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
}

export interface PodViewsOptions {
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two lists without events. Default 1 s. */
  readonly relistMs: number;
  /** Between two lists while the engine sends events. Default 10 s. */
  readonly relistWithEventsMs: number;
  /** Called when the engine's state of a pod changed; must not throw. */
  readonly onChange: (pod: PodIdentity) => void;
}

/** After this long without a successful list the node is not healthy. @source pleg relistThreshold */
const healthyMs = 180_000;
const eventRetryMs = 5000;
/** How long an announced end is waited for, and how often it is looked for. */
const announcementMs = 5000;
const lookAgainMs = 15;

export class PodViews {
  readonly #options: PodViewsOptions;
  /** Views that are true as far as anybody knows. */
  readonly #views = new Map<string, PodView>();
  /** The last view of each pod, true or not. */
  readonly #last = new Map<string, PodView>();
  /** Counts invalidations, so that a view that was read before one is not kept. */
  readonly #versions = new Map<string, number>();
  #signatures = new Map<string, { readonly pod: PodIdentity; readonly text: string }>();
  readonly #owners = new Map<string, PodIdentity>();
  /** Containers and sandboxes whose end was announced and not yet seen, and since when. */
  readonly #announcedEnds = new Map<string, number>();
  #lastRelistMs: number | undefined;
  #listening = false;
  #relistAgain = false;
  #wake: (() => void) | undefined;

  constructor(options: PodViewsOptions) {
    this.#options = options;
  }

  /** The pod's view, from memory when nothing has happened since it was read. */
  async view(pod: PodIdentity, ctx: Pick<Ctx, 'signal'>): Promise<PodView> {
    const known = this.#views.get(pod.uid);
    if (known) return known;
    const version = this.#versions.get(pod.uid);
    const view = await observePod(this.#options.runtime, { uid: pod.uid, name: pod.name, namespace: pod.namespace }, ctx);
    for (const { id } of [...view.sandboxes, ...view.containers]) this.#owners.set(id, pod);
    this.#last.set(pod.uid, view);
    if (this.#isBehindEvents(view)) this.#lookAgainSoon(pod);
    else if (this.#versions.get(pod.uid) === version) this.#views.set(pod.uid, view);
    return view;
  }

  /** What was last read, without asking; it may be a moment behind. */
  peek(uid: string): PodView | undefined {
    return this.#last.get(uid);
  }

  invalidate(uid: string): void {
    this.#views.delete(uid);
    this.#versions.set(uid, (this.#versions.get(uid) ?? 0) + 1);
  }

  forget(uid: string): void {
    this.#views.delete(uid);
    this.#last.delete(uid);
    this.#versions.delete(uid);
    for (const [id, owner] of this.#owners) if (owner.uid === uid) this.#owners.delete(id);
  }

  /** Pods of which the engine holds something, as of the last list. */
  enginePods(): readonly PodIdentity[] {
    return [...this.#signatures.values()].map(({ pod }) => pod);
  }

  /** Undefined, or why the engine counts as unhealthy. */
  unhealthy(): string | undefined {
    if (this.#lastRelistMs === undefined) return 'pleg has yet to be successful';
    const { clock, relistWithEventsMs } = this.#options;
    const sinceMs = clock.monotonic() - this.#lastRelistMs;
    const limitMs = Math.max(healthyMs, relistWithEventsMs * 2);
    if (sinceMs <= limitMs) return undefined;
    return `pleg was last seen active ${formatDuration(Math.round(sinceMs))} ago; threshold is ${formatDuration(limitMs)}`;
  }

  /** Lists until the signal aborts. */
  async run(ctx: Ctx): Promise<void> {
    const { clock, relistMs, relistWithEventsMs } = this.#options;
    for (;;) {
      this.#relistAgain = false;
      try {
        await this.relist(ctx);
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        ctx.log.warn('the engine could not be listed', { err });
      }
      await this.#pause(this.#listening ? relistWithEventsMs : relistMs, clock, ctx.signal);
    }
  }

  /** Follows the engine's events until the signal aborts. */
  async listen(ctx: Ctx): Promise<void> {
    const { runtime, clock } = this.#options;
    for (;;) {
      try {
        this.#listening = true;
        for await (const event of runtime.events(ctx)) {
          if (event.type === 'stopped') this.#announcedEnds.set(event.containerId, clock.monotonic());
          this.#happened(event.containerId);
        }
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        ctx.log.debug("the engine's events ended", { err });
        if (isRuntimeError(err, 'Unimplemented')) {
          this.#listening = false;
          return;
        }
      }
      // While there are no events, the list is quick again.
      this.#listening = false;
      this.#relistNow();
      await clock.sleep(eventRetryMs, ctx.signal);
    }
  }

  /** Compares the engine's lists with the last ones and tells of every pod that differs. */
  async relist(ctx: Pick<Ctx, 'signal'>): Promise<void> {
    const { runtime, clock, onChange } = this.#options;
    const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes({}, ctx), runtime.listContainers({}, ctx)]);
    this.#lastRelistMs = clock.monotonic();
    for (const [id, atMs] of this.#announcedEnds) if (this.#lastRelistMs - atMs > announcementMs) this.#announcedEnds.delete(id);
    const old = this.#signatures;
    this.#signatures = signatures(sandboxes, containers);
    for (const [uid, { pod, text }] of this.#signatures) {
      if (old.get(uid)?.text === text) continue;
      this.invalidate(uid);
      onChange(pod);
    }
    for (const [uid, { pod }] of old) {
      if (this.#signatures.has(uid)) continue;
      this.invalidate(uid);
      onChange(pod);
    }
  }

  #happened(containerId: string): void {
    const owner = this.#owners.get(containerId);
    if (owner) {
      this.invalidate(owner.uid);
      this.#options.onChange(owner);
    } else this.#relistNow();
  }

  /** The engine announces an end a moment before its own records show it; such a view must not be kept. */
  #isBehindEvents(view: PodView): boolean {
    const now = this.#options.clock.monotonic();
    const alive = [
      ...view.containers.filter(({ state }) => state === 'running').map(({ id }) => id),
      ...view.sandboxes.filter(({ state }) => state === 'ready').map(({ id }) => id),
    ];
    for (const { id } of [...view.containers, ...view.sandboxes]) if (!alive.includes(id)) this.#announcedEnds.delete(id);
    return alive.some((id) => {
      const sinceMs = now - (this.#announcedEnds.get(id) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs > announcementMs) this.#announcedEnds.delete(id);
      return sinceMs <= announcementMs;
    });
  }

  #lookAgainSoon(pod: PodIdentity): void {
    this.#options.clock.setTimer(lookAgainMs, () => {
      this.invalidate(pod.uid);
      this.#options.onChange(pod);
    });
  }

  /** A list that runs already may be too old to show what is asked about: then another follows. */
  #relistNow(): void {
    this.#relistAgain = true;
    this.#wake?.();
  }

  #pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (this.#relistAgain) return Promise.resolve();
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        resolve();
      };
      const onAbort = (): void => {
        timer.cancel();
        this.#wake = undefined;
        reject(signal.reason as Error);
      };
      const timer = clock.setTimer(delayMs, done);
      this.#wake = done;
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** By pod: every sandbox and container with its state, as text. */
function signatures(
  sandboxes: readonly PodSandbox[],
  containers: readonly EngineContainer[],
): Map<string, { readonly pod: PodIdentity; readonly text: string }> {
  const parts = new Map<string, { readonly pod: PodIdentity; readonly states: string[] }>();
  for (const { id, state, labels } of [...sandboxes, ...containers]) {
    const pod = podOfLabels(labels);
    if (!pod) continue;
    const entry = parts.get(pod.uid) ?? { pod, states: [] };
    entry.states.push(`${id}:${state}`);
    parts.set(pod.uid, entry);
  }
  return new Map([...parts].map(([uid, { pod, states }]) => [uid, { pod, text: states.sort().join(' ') }]));
}
