/**
 * Whether the proxy keeps up: changes that wait longer than a minute to reach the kernel make it unhealthy. And whether the node may be sent
 * traffic at all. Knows no HTTP. @source kube-proxy v1.35, pkg/proxy/healthcheck/proxy_health.go
 */
import type { corev1 } from '../api/index.ts';
import type { Clock } from '../base/index.ts';

/** What the engine tells. */
export interface ProxyProgress {
  /** A change has come that the kernel does not have yet. */
  queued(): void;
  /** The kernel has everything that had come. */
  updated(): void;
}

const lateAfterMs = 60_000;
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

export class ProxyHealth implements ProxyProgress {
  readonly #clock: Clock;
  #lastUpdatedMs: number | undefined;
  #oldestQueued: number | undefined;
  /** While nothing is known of the node it may be used. */
  nodeEligible = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  queued(): void {
    this.#oldestQueued ??= this.#clock.monotonic();
  }

  updated(): void {
    this.#oldestQueued = undefined;
    this.#lastUpdatedMs = this.#clock.now();
  }

  /** It keeps up; also while it starts: before the first update nothing can be late. */
  get healthy(): boolean {
    if (this.#lastUpdatedMs === undefined || this.#oldestQueued === undefined) return true;
    return this.#clock.monotonic() - this.#oldestQueued < lateAfterMs;
  }

  /** When the kernel last had everything, in milliseconds since the epoch; undefined before the first time. */
  get lastUpdatedMs(): number | undefined {
    return this.#lastUpdatedMs;
  }
}

/** The node is neither being deleted nor about to be taken away by the autoscaler. */
export function isEligible({ metadata, spec }: corev1.Node): boolean {
  return metadata.deletionTimestamp === undefined && !(spec?.taints ?? []).some(({ key }) => key === toBeDeletedTaint);
}
