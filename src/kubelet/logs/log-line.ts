/**
 * The line format of container logs as engines write them: `TIMESTAMP STREAM TAG CONTENT`. Pure; works on bytes, since a container
 * may print anything.
 * @source CRI logging format, pkg/kubelet/kuberuntime/logs
 */

export interface LogLine {
  /** As written, RFC 3339 with up to nine decimals. */
  readonly timestamp: string;
  readonly stream: 'stdout' | 'stderr';
  /** The content goes on in the stream's next line. */
  readonly partial: boolean;
  /** Without the newline that ends the log's own line. */
  readonly content: Buffer;
}

const space = 0x20;

/** @param line without its newline @returns undefined when it is not of the format */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space);
  const second = first < 0 ? -1 : line.indexOf(space, first + 1);
  if (second < 0) return undefined;
  const third = line.indexOf(space, second + 1);
  const tagEnd = third < 0 ? line.length : third;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  // Tags are separated by colons; the first says whether the line is whole.
  const tag = line.toString('latin1', second + 1, tagEnd).split(':', 1)[0];
  if (tag !== 'F' && tag !== 'P') return undefined;
  return {
    timestamp: line.toString('latin1', 0, first),
    stream,
    partial: tag === 'P',
    content: third < 0 ? line.subarray(line.length) : line.subarray(third + 1),
  };
}

const timestampForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Nanoseconds since the epoch; undefined for what is no timestamp. */
export function timestampNanos(text: string): bigint | undefined {
  const match = timestampForm.exec(text);
  if (!match) return undefined;
  const seconds = Date.parse(match[1]! + match[3]!) / 1000;
  return Number.isFinite(seconds) ? BigInt(seconds) * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0')) : undefined;
}

/** The timestamp as `kubectl logs --timestamps` shows it: always nine decimals. */
export function fixedTimestamp(text: string): string {
  const match = timestampForm.exec(text);
  return match ? `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}${match[3]}` : text;
}
