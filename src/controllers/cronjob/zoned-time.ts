/**
 * Wall clocks of the world: which date and hour it is somewhere, and which moment a date and hour there are. Where clocks are set back or
 * forward it answers as Go's time package does, since schedules have always been computed with that.
 */

/** A moment as a clock in a time zone shows it. */
export interface WallTime {
  readonly year: number;
  /** January is 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** Sunday is 0. */
  readonly weekday: number;
}

export class TimeZone {
  readonly name: string;

  /** @throws RangeError when nobody knows such a zone */
  constructor(name: string) {
    this.name = name;
    this.offsetMs(0);
  }

  /** How far its clocks are ahead of UTC. */
  offsetMs(epochMs: number): number {
    return Temporal.Instant.fromEpochMilliseconds(epochMs).toZonedDateTimeISO(this.name).offsetNanoseconds / 1e6;
  }

  wallTime(epochMs: number): WallTime {
    const shown = new Date(epochMs + this.offsetMs(epochMs));
    return {
      year: shown.getUTCFullYear(),
      month: shown.getUTCMonth() + 1,
      day: shown.getUTCDate(),
      hour: shown.getUTCHours(),
      minute: shown.getUTCMinutes(),
      weekday: shown.getUTCDay(),
    };
  }

  /**
   * The moment at which clocks show this. Days and months beyond the end of theirs run on. Of a time that clocks show twice or never it
   * gives one of the two candidates. @source Go time.Date
   */
  epochMs({ year, month, day, hour, minute }: Omit<WallTime, 'weekday'>): number {
    const shownMs = Date.UTC(year, month - 1, day, hour, minute);
    const guessMs = this.offsetMs(shownMs);
    if (guessMs === 0) return shownMs;
    return shownMs - this.offsetMs(shownMs - guessMs);
  }

  /** RFC 3339 with the zone's offset, as Go writes it: `Z` where it is none. */
  format(epochMs: number): string {
    const offsetMinutes = Math.trunc(this.offsetMs(epochMs) / 60_000);
    const text = new Date(epochMs + offsetMinutes * 60_000).toISOString().slice(0, 19);
    if (offsetMinutes === 0) return `${text}Z`;
    const two = (count: number): string => `${Math.trunc(count)}`.padStart(2, '0');
    const minutes = Math.abs(offsetMinutes);
    return `${text}${offsetMinutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  }
}
