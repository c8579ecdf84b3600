/** Finds where the last lines of a log begin, reading from its end: a log of gigabytes costs what its tail is long. */
import type { LogLine } from './log-line.ts';
import { parseLogLine } from './log-line.ts';

const blockBytes = 64 * 1024;
const newline = 0x0a;

/**
 * The offset at which the last `lines` whole lines begin (partial lines belong to the one they end in).
 * @param read fills the buffer from the position and returns how many bytes there were
 * @param counts which lines are counted, such as those of one stream
 */
export async function tailOffset(
  read: (buffer: Buffer, position: number) => Promise<number>,
  size: number,
  lines: number,
  counts: (line: LogLine) => boolean,
): Promise<number> {
  let seen = 0;
  let carry: Buffer = Buffer.alloc(0);
  let from = size;
  // The offset of the end of the line that is looked at; undefined before the last newline of the file.
  let lineEnd: number | undefined;
  const isEnough = (line: Buffer): boolean => {
    const parsed = parseLogLine(line);
    if (!parsed || parsed.partial || !counts(parsed)) return false;
    return seen++ === lines;
  };
  while (from > 0) {
    const start = Math.max(0, from - blockBytes);
    const block = Buffer.alloc(from - start);
    await read(block, start);
    const bytes = Buffer.concat([block, carry]);
    let end = bytes.length;
    for (let at = bytes.lastIndexOf(newline); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(newline, at - 1)) {
      if (lineEnd !== undefined && isEnough(bytes.subarray(at + 1, end))) return lineEnd;
      end = at;
      lineEnd = start + at + 1;
    }
    carry = bytes.subarray(0, end);
    from = start;
  }
  if (lineEnd !== undefined && isEnough(carry)) return lineEnd;
  return 0;
}
