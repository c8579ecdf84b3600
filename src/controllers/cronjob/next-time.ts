/**
 * The next moment at which a schedule is due. Hours that clocks leap over are not due; hours that come twice are due twice by their
 * minutes, as upstream's library has it. Pure.
 * @source github.com/robfig/cron/v3 SpecSchedule.Next, ConstantDelaySchedule.Next
 */
import type { CronField, CronSchedule } from '../../api/index.ts';
import type { TimeZone, WallTime } from './zoned-time.ts';

type Calendar = CronSchedule & { readonly type: 'calendar' };

const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Looked ahead: 29 February on a certain weekday comes as rarely as every 28 years, and is then given up as upstream gives it up. */
const maxYears = 5;

/** The first due moment after `afterMs`; undefined when there is none in five years. */
export function nextTime(schedule: CronSchedule, afterMs: number, zone: TimeZone): number | undefined {
  if (schedule.type === 'every') return Math.floor(afterMs / secondMs) * secondMs + schedule.everyMs;
  const startMs = Math.floor(afterMs / secondMs) * secondMs + secondMs;
  return new Search(schedule, zone, startMs).run();
}

/** Walks from month to day to hour to minute; whatever wraps around begins with the month again. */
class Search {
  readonly #schedule: Calendar;
  readonly #zone: TimeZone;
  #atMs: number;
  #wall: WallTime;
  /** Whether what is smaller than the unit being walked was set to its beginning. */
  #isTruncated = false;

  constructor(schedule: Calendar, zone: TimeZone, startMs: number) {
    this.#schedule = schedule;
    this.#zone = zone;
    this.#atMs = startMs;
    this.#wall = zone.wallTime(startMs);
  }

  run(): number | undefined {
    const lastYear = this.#wall.year + maxYears;
    while (this.#wall.year <= lastYear) {
      if (this.#findMonth() && this.#findDay() && this.#findHour() && this.#findMinute()) return this.#atMs;
    }
    return undefined;
  }

  #findMonth(): boolean {
    while (!this.#schedule.month.values.has(this.#wall.month)) {
      if (!this.#isTruncated) this.#moveToWall({ ...this.#wall, day: 1, hour: 0, minute: 0 });
      this.#moveToWall({ ...this.#wall, month: this.#wall.month + 1 });
      if (this.#wall.month === 1) return false;
    }
    return true;
  }

  #findDay(): boolean {
    while (!this.#isDay()) {
      if (!this.#isTruncated) this.#moveToWall({ ...this.#wall, hour: 0, minute: 0 });
      this.#moveToWall({ ...this.#wall, day: this.#wall.day + 1 });
      // Clocks that leap at midnight show another hour: back to the day's first, or on to it.
      const { hour } = this.#wall;
      if (hour !== 0) this.#moveTo(this.#atMs + (hour > 12 ? 24 - hour : -hour) * hourMs);
      if (this.#wall.day === 1) return false;
    }
    return true;
  }

  #findHour(): boolean {
    while (!this.#schedule.hour.values.has(this.#wall.hour)) {
      if (!this.#isTruncated) this.#moveToWall({ ...this.#wall, minute: 0 });
      this.#moveTo(this.#atMs + hourMs);
      if (this.#wall.hour === 0) return false;
    }
    return true;
  }

  #findMinute(): boolean {
    while (!this.#schedule.minute.values.has(this.#wall.minute)) {
      if (!this.#isTruncated) this.#moveTo(Math.floor(this.#atMs / minuteMs) * minuteMs);
      this.#isTruncated = true;
      this.#moveTo(this.#atMs + minuteMs);
      if (this.#wall.minute === 0) return false;
    }
    return this.#findSecond();
  }

  /** Schedules are due at the full minute. */
  #findSecond(): boolean {
    const past = this.#atMs % minuteMs;
    if (past === 0) return true;
    this.#isTruncated = true;
    this.#moveTo(this.#atMs - past + minuteMs);
    // The minute it came to must be found in its turn.
    return false;
  }

  /** Where one of both fields is `*`, the other decides; otherwise one of them is enough. */
  #isDay(): boolean {
    const { dayOfMonth, dayOfWeek } = this.#schedule;
    const [byMonth, byWeek] = [has(dayOfMonth, this.#wall.day), has(dayOfWeek, this.#wall.weekday)];
    return dayOfMonth.any || dayOfWeek.any ? byMonth && byWeek : byMonth || byWeek;
  }

  #moveToWall(wall: WallTime): void {
    this.#isTruncated = true;
    this.#moveTo(this.#zone.epochMs(wall));
  }

  #moveTo(epochMs: number): void {
    this.#atMs = epochMs;
    this.#wall = this.#zone.wallTime(epochMs);
  }
}

function has(field: CronField, value: number): boolean {
  return field.values.has(value);
}
