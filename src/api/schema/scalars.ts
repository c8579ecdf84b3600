/**
 * Values whose JSON text has rules of its own: times, quantities, base64. Each function returns the text that the server keeps, or
 * throws the error that Go's reader of that type gives. Quantities are only checked here; their canonical form belongs to the kinds.
 * @source apimachinery meta/v1 time.go, micro_time.go, api/resource quantity.go; Go time.Parse, encoding/base64
 */

/** A text that its type refuses; the message is Go's. */
export class ScalarError extends Error {
  override readonly name = 'ScalarError';
}

const secondsInUtc = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const microsInUtc = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;
const anyTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** A time of whole seconds, in UTC: `2006-01-02T15:04:05Z`. */
export function parseTime(text: string): string {
  if (secondsInUtc.test(text) && !isLateInMonth(text)) return text;
  return toUtc(text, '2006-01-02T15:04:05Z07:00').seconds;
}

/** A time of microseconds, in UTC: `2006-01-02T15:04:05.000000Z`. */
export function parseMicroTime(text: string): string {
  if (microsInUtc.test(text) && !isLateInMonth(text)) return text;
  const { seconds, fraction } = toUtc(text, '2006-01-02T15:04:05.000000Z07:00');
  return `${seconds.slice(0, -1)}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}

/** Days 29 to 31 are not in every month: those are checked against the calendar. */
function isLateInMonth(text: string): boolean {
  const [tens, ones] = [text.charCodeAt(8), text.charCodeAt(9)];
  return tens >= 51 || (tens === 50 && ones === 57);
}

function toUtc(text: string, layout: string): { seconds: string; fraction: string } {
  const match = anyTime.exec(text);
  if (!match) throw unparsable(text, layout);
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  if (Number(month) < 1 || Number(month) > 12) throw outOfRange(text, 'month');
  if (Number(hour) > 23) throw outOfRange(text, 'hour');
  if (Number(minute) > 59) throw outOfRange(text, 'minute');
  if (Number(second) > 59) throw outOfRange(text, 'second');
  const at = new Date(Date.UTC(2000, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)));
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (at.getUTCDate() !== Number(day) || Number(day) === 0) throw outOfRange(text, 'day');
  if (zone !== 'Z') {
    const offset = (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
    at.setTime(at.getTime() - offset * 60_000);
  }
  const iso = at.toISOString();
  if (iso.length !== 24) throw unparsable(text, layout);
  return { seconds: `${iso.slice(0, 19)}Z`, fraction };
}

function outOfRange(text: string, part: string): ScalarError {
  return new ScalarError(`parsing time ${JSON.stringify(text)}: ${part} out of range`);
}

/** Go names the first part of the layout that does not match and the text left there. */
function unparsable(text: string, layout: string): ScalarError {
  const parts: readonly (readonly [RegExp, string])[] = [
    [/^\d{4}/, '2006'],
    [/^-/, '-'],
    [/^\d\d/, '01'],
    [/^-/, '-'],
    [/^\d\d/, '02'],
    [/^T/, 'T'],
    [/^\d\d?/, '15'],
    [/^:/, ':'],
    [/^\d\d/, '04'],
    [/^:/, ':'],
    [/^\d\d(?:[.,]\d+)?/, '05'],
    [/^(?:Z|[+-]\d\d:\d\d)/, 'Z07:00'],
  ];
  let rest = text;
  for (const [pattern, name] of parts) {
    const match = pattern.exec(rest);
    if (!match) return cannotParse({ text, layout, rest, name });
    rest = rest.slice(match[0].length);
  }
  return new ScalarError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`);
}

function cannotParse(at: { text: string; layout: string; rest: string; name: string }): ScalarError {
  const { text, layout, rest, name } = at;
  return new ScalarError(
    `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(name)}`,
  );
}

const quantityPattern = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** Checks that a text is a quantity, such as `100m` or `1.5Gi`; empty means zero. */
export function parseQuantityText(text: string): string {
  if (quantityPattern.test(text)) return text;
  if (text === '') return '0';
  throw new ScalarError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
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
