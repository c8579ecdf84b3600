/** Reading of what directives are given: durations, numbers, zones, patterns, and the faults they may hold. */
import { setFlagsFromString } from 'node:v8';
import { type LabelMatcher, parseLabelSelector, SelectorError } from '../../api/index.ts';
import { isWithin, parseName } from '../wire/names.ts';
import { CorefileFault } from './corefile-fault.ts';

/** What has a line and arguments: a directive, or a property in its braces. */
export interface Said {
  readonly line: number;
  readonly name: string;
  readonly args: readonly string[];
}

/** @throws CorefileFault unless there are as many arguments */
export function expectArgs(said: Said, min: number, max = min): void {
  if (said.args.length < min || said.args.length > max)
    throw new CorefileFault(said.line, `wrong argument count or unexpected line ending after "${said.name}"`);
}

export function unknownProperty(said: Said): CorefileFault {
  return new CorefileFault(said.line, `unknown property '${said.name}'`);
}

const units = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of a duration in Go's form, such as `1m30s`. @throws CorefileFault */
export function durationMs(said: Said, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gy)];
  const read = parts.map(([part]) => part).join('');
  if (text === '0') return 0;
  if (read === '' || read !== text) throw new CorefileFault(said.line, `invalid duration '${text}' of ${said.name}`);
  // The pattern names the units.
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit as keyof typeof units], 0);
}

/** @throws CorefileFault */
export function wholeNumber(said: Said, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(number >= min && number <= max)) throw new CorefileFault(said.line, `${said.name} must be in range [${min}, ${max}]: ${text}`);
  return number;
}

/**
 * Zones of an argument: a name, or a range of addresses (`10.96.0.0/16`), which stands for the reverse zones that cover it.
 * @throws CorefileFault
 */
export function zoneOf(said: Said, text: string): string {
  if (text.includes('/')) return reverseZone(said, text);
  const name = parseName(text);
  if (name === undefined) throw new CorefileFault(said.line, `invalid zone '${text}'`);
  return name;
}

function reverseZone(said: Said, cidr: string): string {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(8|16|24)$/.exec(cidr);
  if (!match) throw new CorefileFault(said.line, `zone '${cidr}': only IPv4 ranges that end at a dot (/8, /16, /24) are supported`);
  const octets = match.slice(1, 1 + Number(match[5]) / 8);
  if (octets.some((octet) => Number(octet) > 255)) throw new CorefileFault(said.line, `invalid zone '${cidr}'`);
  return `${octets.map(Number).toReversed().join('.')}.in-addr.arpa`;
}

/** `fallthrough [ZONES…]`: without zones everything. */
export function fallthroughOf(said: Said): string[] {
  return said.args.length === 0 ? [''] : said.args.map((zone) => zoneOf(said, zone));
}

export function fallsThrough(name: string, zones: readonly string[] | undefined): boolean {
  return zones?.some((zone) => isWithin(name, zone)) ?? false;
}

/** @throws CorefileFault */
export function labelSelector(said: Said): LabelMatcher {
  const text = said.args.join(' ');
  try {
    return parseLabelSelector(text);
  } catch (err) {
    if (!(err instanceof SelectorError)) throw err;
    throw new CorefileFault(said.line, `unable to parse label selector value: '${text}': ${err.message}`);
  }
}

let linearTime = false;

/**
 * A pattern that is matched in time linear in the name, whatever the pattern: names come from anybody. What cannot be (references back,
 * looking around) is a fault.
 * @throws CorefileFault
 */
export function linearPattern(said: Said, source: string): RegExp {
  if (!linearTime) {
    setFlagsFromString('--enable-experimental-regexp-engine');
    linearTime = true;
  }
  // Names are in lower case, whatever is asked; Go writes named groups with a P.
  const written = source.replace(/^\(\?i\)/, '').replaceAll('(?P<', '(?<');
  try {
    // The flag of the engine switched on above.
    // oxlint-disable-next-line no-invalid-regexp
    return new RegExp(written, 'l');
  } catch (err) {
    if (!(err instanceof SyntaxError)) throw err;
    throw new CorefileFault(said.line, `invalid regular expression '${source}': ${err.message}`);
  }
}

/** `ttl SECONDS`. @throws CorefileFault */
export function ttlSeconds(said: Said): number {
  expectArgs(said, 1);
  const [text = ''] = said.args;
  const ttl = /^-?\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(ttl)) throw new CorefileFault(said.line, `invalid ttl '${text}'`);
  if (ttl < 0 || ttl > 3600) throw new CorefileFault(said.line, `ttl must be in range [0, 3600]: ${ttl}`);
  return ttl;
}
