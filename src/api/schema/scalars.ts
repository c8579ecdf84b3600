/**
 * Values whose JSON text has rules of its own: times, quantities, base64. Each function returns the text that the server keeps, or
 * throws the error that Go's reader of that type gives. Quantities are only checked here; their canonical form belongs to the kinds.
 * @source apimachinery meta/v1 time.go, micro_time.go, api/resource quantity.go; Go time.Parse, encoding/base64
 */

import { goQuote } from '../go-text.ts';
import { parseQuantity, QuantityError } from '../quantity.ts';

/** A text that its type refuses; the message is Go's. */
export class ScalarError extends Error {
  override readonly name = 'ScalarError';
}

const secondsInUtc = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const microsInUtc = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;
const secondsLayout = '2006-01-02T15:04:05Z07:00';
const microsLayout = '2006-01-02T15:04:05.000000Z07:00';

/** A time of whole seconds, in UTC: `2006-01-02T15:04:05Z`. */
export function parseTime(text: string): string {
  if (secondsInUtc.test(text) && !isLateInMonth(text)) return text;
  return toUtc(text, secondsLayout).seconds;
}

/** A time of microseconds, in UTC: `2006-01-02T15:04:05.000000Z`. It must have all six digits. */
export function parseMicroTime(text: string): string {
  if (microsInUtc.test(text) && !isLateInMonth(text)) return text;
  const { seconds, fraction } = toUtc(text, microsLayout);
  return `${seconds.slice(0, -1)}.${fraction}Z`;
}

/** Days 29 to 31 are not in every month: those are checked against the calendar. */
function isLateInMonth(text: string): boolean {
  const [tens, ones] = [text.charCodeAt(8), text.charCodeAt(9)];
  return tens >= 51 || (tens === 50 && ones === 57);
}

interface TimePart {
  readonly pattern: RegExp;
  /** As the layout has it. */
  readonly name: string;
  /** What Go calls the part when it is out of its range, and that range. */
  readonly range?: readonly [name: string, least: number, most: number];
}

const upToSeconds: readonly TimePart[] = [
  { pattern: /^\d{4}/, name: '2006' },
  { pattern: /^-/, name: '-' },
  { pattern: /^\d\d/, name: '01', range: ['month', 1, 12] },
  { pattern: /^-/, name: '-' },
  { pattern: /^\d\d/, name: '02' },
  { pattern: /^T/, name: 'T' },
  { pattern: /^\d\d?/, name: '15', range: ['hour', 0, 23] },
  { pattern: /^:/, name: ':' },
  { pattern: /^\d\d/, name: '04', range: ['minute', 0, 59] },
  { pattern: /^:/, name: ':' },
  { pattern: /^\d\d/, name: '05', range: ['second', 0, 59] },
];
const zonePart: TimePart = { pattern: /^(?:Z|[+-]\d\d:\d\d)/, name: 'Z07:00' };
const partsOf: ReadonlyMap<string, readonly TimePart[]> = new Map([
  [secondsLayout, [...upToSeconds, { pattern: /^(?:[.,]\d+)?/, name: '' }, zonePart]],
  [microsLayout, [...upToSeconds, { pattern: /^[.,]\d{6}/, name: '.000000' }, zonePart]],
]);

/** Reads part by part from the left, as Go does: the first that does not fit is told. */
function toUtc(text: string, layout: string): { seconds: string; fraction: string } {
  let rest = text;
  const found: string[] = [];
  for (const { pattern, name, range } of partsOf.get(layout)!) {
    const match = pattern.exec(rest)?.[0];
    if (match === undefined) throw cannotParse({ text, layout, rest, name });
    rest = rest.slice(match.length);
    if (range && (Number(match) < range[1] || Number(match) > range[2])) throw outOfRange(text, range[0]);
    if (!/^[-T:]$/.test(match)) found.push(match);
  }
  const [year, month, day, hour, minute, second, fraction, zone] = found as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const [zoneHours, zoneMinutes] = zone === 'Z' ? [0, 0] : [Number(zone.slice(1, 3)), Number(zone.slice(4))];
  if (zoneHours > 24) throw outOfRange(text, 'time zone offset hour');
  if (zoneMinutes > 60) throw outOfRange(text, 'time zone offset minute');
  if (rest !== '') throw new ScalarError(`parsing time ${goQuote(text)}: extra text: ${goQuote(rest)}`);
  const at = new Date(Date.UTC(2000, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)));
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (at.getUTCDate() !== Number(day) || Number(day) === 0) throw outOfRange(text, 'day');
  at.setTime(at.getTime() - (zone.startsWith('-') ? -1 : 1) * (zoneHours * 60 + zoneMinutes) * 60_000);
  const iso = at.toISOString();
  // A zone can put the time beyond the years that four digits can say.
  if (iso.length !== 24) throw cannotParse({ text, layout, rest: text, name: '2006' });
  return { seconds: `${iso.slice(0, 19)}Z`, fraction: fraction.slice(1) };
}

function outOfRange(text: string, part: string): ScalarError {
  return new ScalarError(`parsing time ${goQuote(text)}: ${part} out of range`);
}

function cannotParse(at: { text: string; layout: string; rest: string; name: string }): ScalarError {
  const { text, layout, rest, name } = at;
  return new ScalarError(`parsing time ${goQuote(text)} as ${goQuote(layout)}: cannot parse ${goQuote(rest)} as ${goQuote(name)}`);
}

const quantityPattern = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** Checks that a text is a quantity, such as `100m` or `1.5Gi`; spaces around it go, and nothing between them is no quantity. */
export function parseQuantityText(text: string): string {
  if (quantityPattern.test(text)) return text;
  // Other space is escaped in JSON, and upstream reads the raw text.
  const trimmed = text.replaceAll(/^ +| +$/g, '');
  try {
    parseQuantity(trimmed);
  } catch (error) {
    if (error instanceof QuantityError) throw new ScalarError(error.message, { cause: error });
    throw error;
  }
  return trimmed;
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64; line breaks in it are dropped. */
export function parseBase64(text: string): string {
  if (base64Pattern.test(text)) return text;
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (base64Pattern.test(joined)) return joined;
  const bad = joined.search(/[^A-Za-z0-9+/]/);
  throw new ScalarError(`illegal base64 data at input byte ${bad < 0 ? joined.length - (joined.length % 4) : bad}`);
}
