/** What happened in a cluster, line by line: two runs of one seed write the same. */
import { hash } from 'node:crypto';
import type { Change } from './changes.ts';

export interface Transcript {
  /** For `ClusterOptions.onChange`. */
  readonly record: (change: Change) => void;
  /** `SECONDS #REVISION KEY CONTENT`, time since the first line, content as a hash or `deleted`. */
  readonly lines: readonly string[];
  /** Of all lines so far. */
  hash(): string;
}

export function createTranscript(): Transcript {
  const lines: string[] = [];
  let startMs: number | undefined;
  return {
    lines,
    record: ({ timeMs, revision, key, value }) => {
      startMs ??= timeMs;
      const content = value ? hash('sha256', value, 'hex').slice(0, 16) : 'deleted';
      lines.push(`${((timeMs - startMs) / 1000).toFixed(3)} #${revision} ${key} ${content}`);
    },
    hash: () => hash('sha256', lines.join('\n'), 'hex'),
  };
}
