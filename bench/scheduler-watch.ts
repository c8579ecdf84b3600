/** Follows bindings from outside, as any client does: when each measured pod got its node, and whether one ever got another. */
import type { corev1, metav1 } from '../src/api/index.ts';
import type { H2Connection } from './h2-client.ts';
import { measuredName } from './scheduler-world.ts';

const path =
  '/api/v1/pods?watch=true&fieldSelector=spec.nodeName!%3D&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
const measuredPrefix = measuredName(0).slice(0, -1);

interface PodEvent {
  readonly type: string;
  readonly object: Pick<corev1.Pod, 'spec'> & { readonly metadata: metav1.ObjectMeta };
}

export class BindingWatch {
  /** Name of a measured pod → when its binding was seen. */
  readonly seen = new Map<string, number>();
  /** Pods that had one node and then another. */
  readonly rebound: string[] = [];
  #startMs: number | undefined;
  #lastMs = 0;
  #rest = '';
  readonly #nodes = new Map<string, string>();
  #onSeen = (): void => {};
  #onFirst = (): void => {};
  readonly #opened = Promise.withResolvers<void>();

  /**
   * Resolves when everything that stood before has been told.
   * @throws when a measured pod is bound already: bindings that nobody watched cannot be counted
   */
  async open(connection: H2Connection, signal: AbortSignal): Promise<void> {
    const ended = connection.request({ method: 'GET', path, onData: (piece) => this.#take(piece), signal });
    ended.catch((error: unknown) => this.#opened.reject(error));
    await this.#opened.promise;
    if (this.seen.size > 0) throw new Error(`${this.seen.size} pods were bound before the watch was open`);
  }

  onSeen(tell: () => void): void {
    this.#onSeen = tell;
  }

  /** Tells of the first binding, once. */
  onFirst(tell: () => void): void {
    this.#onFirst = tell;
  }

  /** From the first binding to the last one. */
  get elapsedMs(): number {
    return this.#lastMs - (this.#startMs ?? this.#lastMs);
  }

  #take(piece: Buffer): void {
    const lines = (this.#rest + piece.toString()).split('\n');
    this.#rest = lines.pop()!;
    const now = performance.now();
    const before = this.seen.size;
    for (const line of lines) this.#told(JSON.parse(line) as PodEvent, now);
    if (before === 0 && this.seen.size > 0) this.#onFirst();
    if (this.seen.size > before) this.#onSeen();
  }

  #told({ type, object: { metadata, spec } }: PodEvent, now: number): void {
    if (type === 'BOOKMARK') {
      if (metadata.annotations?.['k8s.io/initial-events-end'] === 'true') this.#opened.resolve();
      return;
    }
    const { name, uid } = metadata;
    const node = spec.nodeName ?? '';
    const other = this.#nodes.get(uid);
    if (other !== undefined && other !== node) this.rebound.push(`pod ${name} was on node ${other} and then on ${node}`);
    this.#nodes.set(uid, node);
    if (type === 'DELETED' || !name.startsWith(measuredPrefix) || this.seen.has(name)) return;
    this.seen.set(name, now);
    this.#startMs ??= now;
    this.#lastMs = now;
  }
}
