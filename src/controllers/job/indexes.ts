/**
 * Sets of completion indexes as ordered intervals: how a Job of a million indexes keeps a short status. Pure, and knows nothing of
 * pods.
 * @source pkg/controller/job/indexed_job_utils.go orderedIntervals, v1.35
 */

interface Interval {
  readonly first: number;
  readonly last: number;
}

/** A set of indexes; never changed, only made anew. */
export class Indexes {
  static readonly none = new Indexes([]);
  /** In order, none touching the next. */
  readonly intervals: readonly Interval[];
  /** How many indexes there are. */
  readonly total: number;

  private constructor(intervals: readonly Interval[]) {
    this.intervals = intervals;
    this.total = intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  static of(indexes: Iterable<number>): Indexes {
    return new Indexes(joined([...indexes].map((index) => ({ first: index, last: index }))));
  }

  /** Reads `1,3-5`. What is no interval is passed over; what is `completions` or more is cut off: a Job may have been made smaller. */
  static parse(text: string, completions: number): Indexes {
    const intervals: Interval[] = [];
    for (const part of text === '' ? [] : text.split(',')) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part);
      if (!match) continue;
      const first = Number(match[1]);
      const last = Math.min(Number(match[2] ?? match[1]), completions - 1);
      if (first < completions && first <= last) intervals.push({ first, last });
    }
    return new Indexes(joined(intervals));
  }

  has(index: number): boolean {
    let [low, high] = [0, this.intervals.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.intervals[middle]!.last >= index) high = middle;
      else low = middle + 1;
    }
    const interval = this.intervals[low];
    return interval !== undefined && interval.first <= index;
  }

  union(other: Indexes): Indexes {
    if (other.intervals.length === 0) return this;
    return new Indexes(joined([...this.intervals, ...other.intervals]));
  }

  /** How many indexes are in both. */
  overlap(other: Indexes): number {
    let count = 0;
    for (let i = 0, j = 0; i < this.intervals.length && j < other.intervals.length;) {
      const [a, b] = [this.intervals[i]!, other.intervals[j]!];
      count += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1);
      if (a.last <= b.last) i++;
      if (b.last <= a.last) j++;
    }
    return count;
  }

  /** The first `count` indexes below `completions` that are not in the set. */
  gaps(count: number, completions: number): number[] {
    const found: number[] = [];
    let candidate = 0;
    for (const { first, last } of [...this.intervals, { first: completions, last: completions }]) {
      for (; candidate < Math.min(first, completions) && found.length < count; candidate++) found.push(candidate);
      candidate = Math.max(candidate, last + 1);
    }
    return found;
  }

  /** `1,3-5`; two neighbours are written `1,2`. */
  toString(): string {
    return this.intervals
      .map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`))
      .join(',');
  }
}

/** Sorts intervals and joins those that touch. */
function joined(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const interval of intervals.toSorted((a, b) => a.first - b.first)) {
    const before = result.at(-1);
    if (!before || interval.first > before.last + 1) result.push(interval);
    else if (interval.last > before.last) result[result.length - 1] = { first: before.first, last: interval.last };
  }
  return result;
}
