/**
 * Indexes of a Job as text, `1,3-5`: what is wrong with it, and where two of them overlap.
 * @source pkg/apis/batch/validation/validation.go validateIndexesFormat, validateFailedIndexesNotOverlapCompleted, v1.35
 */
import { goQuote } from '../../go-text.ts';

interface Interval {
  readonly first: number;
  readonly last: number;
}

/** How many indexes the text names, or why it is no text of indexes below `completions`. */
export function countIndexes(text: string, completions: number): { readonly total: number; readonly error?: string } {
  let total = 0;
  let previous: number | undefined;
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = parseInterval(part, completions);
    if (typeof interval === 'string') return { total: 0, error: interval };
    const { first, last } = interval;
    if (previous !== undefined && previous >= first) {
      return { total: 0, error: `non-increasing order, previous: ${previous}, current: ${first}` };
    }
    total += last - first + 1;
    previous = last;
  }
  return { total };
}

/** Where two texts name the same index; parts that are no indexes are told elsewhere. */
export function overlapError(completed: string, failed: string, completions: number): string | undefined {
  const [a, b] = [intervalsOf(completed, completions), intervalsOf(failed, completions)];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [one, other] = [a[i]!, b[j]!];
    if (one.first <= other.last && other.first <= one.last) {
      return `failedIndexes and completedIndexes overlap at index: ${Math.max(one.first, other.first)}`;
    }
    if (one.first <= other.first) i++;
    else j++;
  }
  return undefined;
}

function intervalsOf(text: string, completions: number): Interval[] {
  if (text === '') return [];
  return text
    .split(',')
    .map((part) => parseInterval(part, completions))
    .filter((interval) => typeof interval !== 'string');
}

function parseInterval(text: string, completions: number): Interval | string {
  const limits = text.split('-');
  if (limits.length > 2) {
    return `the fragment ${goQuote(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  }
  const numbers: number[] = [];
  for (const limit of limits) {
    if (!/^[-+]?[0-9]+$/.test(limit)) return `cannot convert string to integer for index: ${goQuote(limit)}`;
    const number = Number(limit);
    if (number >= completions) return `too large index: ${goQuote(limit)}`;
    numbers.push(number);
  }
  const [first = 0, last = first] = numbers;
  if (limits.length === 2 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
  return { first, last };
}
