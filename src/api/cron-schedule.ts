/**
 * Schedules of CronJobs: five fields as cron reads them, or a name such as `@daily`. Reads the text only; when a schedule is due is
 * for those who know the time.
 * @source github.com/robfig/cron v3 ParseStandard, as apiserver v1.35 uses it
 */
import { DurationError, parseDuration } from './duration.ts';

/** The text is no schedule; the message is the one that clients see. */
export class CronError extends Error {
  override readonly name = 'CronError';
}

/** The values of a field. `any`: the text was `*`, which matters for days, where one of two fields that say something is enough. */
export interface CronField {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

export type CronSchedule =
  | {
      readonly type: 'calendar';
      readonly minute: CronField;
      readonly hour: CronField;
      readonly dayOfMonth: CronField;
      /** January is 1. */
      readonly month: CronField;
      /** Sunday is 0. */
      readonly dayOfWeek: CronField;
      /** Named by the schedule itself (`TZ=…`); undefined: the caller's. */
      readonly timeZone?: string;
    }
  | { readonly type: 'every'; readonly everyMs: number; readonly timeZone?: string };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const bounds = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  dayOfMonth: { min: 1, max: 31 },
  month: { min: 1, max: 12, names: monthNames },
  dayOfWeek: { min: 0, max: 6, names: dayNames },
} satisfies Record<string, Bounds>;

const descriptors = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);
const every = '@every ';

/** @throws CronError */
export function parseCronSchedule(text: string): CronSchedule {
  if (text === '') throw new CronError('empty spec string');
  const zoned = /^(?:CRON_)?TZ=([^ ]*)(.*)$/s.exec(text);
  if (!zoned) return parseSpec(text);
  const timeZone = zoned[1]!;
  if (zoned[2] === '' || !isTimeZone(timeZone)) {
    throw new CronError(`provided bad location ${timeZone}: unknown time zone ${timeZone}`);
  }
  return { ...parseSpec(zoned[2]!.trim()), timeZone };
}

function parseSpec(spec: string): CronSchedule {
  if (!spec.startsWith('@')) return parseFields(spec);
  const fields = descriptors.get(spec);
  if (fields !== undefined) return parseFields(fields);
  if (!spec.startsWith(every)) throw new CronError(`unrecognized descriptor: ${spec}`);
  try {
    return { type: 'every', everyMs: Math.max(Math.floor(parseDuration(spec.slice(every.length)) / 1000), 1) * 1000 };
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new CronError(`failed to parse duration ${spec}: ${error.message}`, { cause: error });
  }
}

function parseFields(spec: string): CronSchedule {
  const fields = spec.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 5) throw new CronError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [string, string, string, string, string];
  return {
    type: 'calendar',
    minute: parseField(minute, bounds.minute),
    hour: parseField(hour, bounds.hour),
    dayOfMonth: parseField(dayOfMonth, bounds.dayOfMonth),
    month: parseField(month, bounds.month),
    dayOfWeek: parseField(dayOfWeek, bounds.dayOfWeek),
  };
}

function parseField(field: string, limits: Bounds): CronField {
  const values = new Set<number>();
  let any = false;
  for (const expression of field.split(',').filter((one) => one !== '')) any = addRange(expression, limits, values) || any;
  return { values, any };
}

/** Adds the values of `*`, `3`, `1-5`, `*\/2` or `3/5`. @returns whether it is a plain `*` */
function addRange(expression: string, limits: Bounds, values: Set<number>): boolean {
  const [range = '', stepText, ...moreSteps] = expression.split('/');
  const [low = '', high, ...moreHyphens] = range.split('-');
  const isStar = low === '*' || low === '?';
  let [start, end] = [limits.min, limits.max];
  if (!isStar) {
    start = numberOrName(low, limits);
    end = high === undefined ? start : numberOrName(high, limits);
    if (moreHyphens.length > 0) throw new CronError(`too many hyphens: ${expression}`);
  }
  const step = stepText === undefined ? 1 : positiveNumber(stepText);
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${expression}`);
  if (stepText !== undefined && high === undefined) end = limits.max;
  if (start < limits.min) throw new CronError(`beginning of range (${start}) below minimum (${limits.min}): ${expression}`);
  if (end > limits.max) throw new CronError(`end of range (${end}) above maximum (${limits.max}): ${expression}`);
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
  if (step === 0) throw new CronError(`step of range should be a positive number: ${expression}`);
  for (let value = start; value <= end; value += step) values.add(value);
  return isStar && step === 1;
}

function numberOrName(text: string, { min, names = [] }: Bounds): number {
  const index = names.indexOf(text.toLowerCase());
  return index >= 0 ? index + min : positiveNumber(text);
}

function positiveNumber(text: string): number {
  if (!/^[-+]?[0-9]+$/.test(text)) throw new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing "${text}": invalid syntax`);
  const number = Number(text);
  if (!Number.isSafeInteger(number)) {
    throw new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing "${text}": value out of range`);
  }
  if (number < 0) throw new CronError(`negative number (${number}) not allowed: ${text}`);
  return number;
}

/**
 * Whether the name stands in the time zone database. Its names are told apart by case; the platform's are not, but gives the usual
 * spelling back for most of them.
 */
export function isTimeZone(name: string): boolean {
  if (name === 'UTC' || name === 'Local' || name === '') return true;
  let known: string;
  try {
    known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
  if (known.toLowerCase() === name.toLowerCase()) return known === name;
  // Another name of the same zone, whose spelling the platform does not tell.
  return name.split('/').every((part) => /^[A-Z]/.test(part));
}
