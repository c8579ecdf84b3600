/** What an embedded store tells Prometheus: how long commits take, how full they are, what waits, and how large it has become. */
import { Gauge, Histogram, type Registry } from '../base/index.ts';

export interface StoreMetrics {
  observeCommit(seconds: number, versions: number): void;
}

/** Registers the metrics on `registry`; gauges are read when it is scraped. */
export function createStoreMetrics(
  registry: Registry,
  read: { readonly pendingBytes: () => number; readonly sizeBytes: () => number; readonly watches: () => number },
): StoreMetrics {
  const registers = [registry];
  const commitSeconds = new Histogram({
    name: 'knarr_store_commit_duration_seconds',
    help: 'Time from handing a batch to the backend until it is durable.',
    buckets: [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.5, 2],
    registers,
  });
  const commitVersions = new Histogram({
    name: 'knarr_store_commit_versions',
    help: 'Changes that share one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024],
    registers,
  });
  gauge('knarr_store_pending_bytes', 'Bytes of values that wait to become durable.', read.pendingBytes);
  gauge('knarr_store_size_bytes', 'Bytes that the store takes on disk.', read.sizeBytes);
  gauge('knarr_store_watches', 'Open watches on the store.', read.watches);
  return {
    observeCommit(seconds, versions) {
      commitSeconds.observe(seconds);
      commitVersions.observe(versions);
    },
  };

  function gauge(name: string, help: string, value: () => number): Gauge {
    return new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  }
}
