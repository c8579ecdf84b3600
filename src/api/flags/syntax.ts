/**
 * How the text of a flag becomes a value: one syntax a type, as the flag library of upstream's components reads them. Pure; knows no flag.
 * @source spf13/pflag v1.0; component-base cli/flag (ConfigurationMap, MapStringBool, MapStringString)
 */
import { DurationError, parseDuration } from '../duration.ts';
import { goQuote } from '../go-text.ts';

/** The text is not a value of the flag; the message says why, in upstream's words where it has some. */
export class FlagValueError extends Error {
  override readonly name = 'FlagValueError';
}

export interface FlagSyntax<T> {
  /** Given without a value it says `true`; a value follows after `=` only. */
  readonly isBoolean?: boolean;
  /** The value names a file (or several): whoever takes flags from a person makes it absolute, the component reads it. */
  readonly isFile?: boolean;
  /** The value names a file that the component writes, or `-` for its standard output. */
  readonly isWritten?: boolean;
  /**
   * @param before what the flag said already when it is given several times; a list goes on, everything else is replaced
   * @throws FlagValueError
   */
  parse(text: string, before: T | undefined): T;
}

export const text: FlagSyntax<string> = { parse: (value) => value };

/** The name of a file. */
export const file: FlagSyntax<string> = { isFile: true, parse: (value) => value };

/** The name of a file that is made when it is not there, or `-`. */
export const writtenFile: FlagSyntax<string> = { isWritten: true, parse: (value) => value };

/** Names of files, one each time the flag is given. */
export const files: FlagSyntax<readonly string[]> = { isFile: true, parse: (value, before = []) => [...before, value] };

/** One text each time the flag is given; commas are part of it. */
export const texts: FlagSyntax<readonly string[]> = { parse: (value, before = []) => [...before, value] };

/** Texts between commas; quotes hold a text with commas together. Given again, the list goes on. */
export const list: FlagSyntax<readonly string[]> = { parse: (value, before = []) => [...before, ...splitList(value)] };

const booleans: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

export function parseBoolean(value: string): boolean {
  const found = Object.hasOwn(booleans, value) ? booleans[value] : undefined;
  if (found === undefined) throw new FlagValueError(`strconv.ParseBool: parsing ${goQuote(value)}: invalid syntax`);
  return found;
}

export const boolean: FlagSyntax<boolean> = { isBoolean: true, parse: parseBoolean };

/** Milliseconds, written as Go does: `1h30m`. */
export const durationMs: FlagSyntax<number> = {
  parse: (value) => {
    try {
      return parseDuration(value);
    } catch (error) {
      if (error instanceof DurationError) throw new FlagValueError(error.message, { cause: error });
      throw error;
    }
  },
};

/** A whole number, decimal. */
export const integer: FlagSyntax<number> = {
  parse: (value) => {
    const number = Number(value);
    if (!/^[-+]?\d+$/.test(value)) throw new FlagValueError(`strconv.ParseInt: parsing ${goQuote(value)}: invalid syntax`);
    if (!Number.isSafeInteger(number)) throw new FlagValueError(`strconv.ParseInt: parsing ${goQuote(value)}: value out of range`);
    return number;
  },
};

/** A number such as `0.25`. */
export const decimal: FlagSyntax<number> = {
  parse: (value) => {
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value)) {
      throw new FlagValueError(`strconv.ParseFloat: parsing ${goQuote(value)}: invalid syntax`);
    }
    return Number(value);
  },
};

/** One of a few words. */
export function choice<W extends string>(...words: readonly W[]): FlagSyntax<W> {
  return {
    parse: (value) => {
      const found = words.find((word) => word === value);
      if (found === undefined) throw new FlagValueError(`must be one of ${words.join(', ')}`);
      return found;
    },
  };
}

type Pairs<V> = ReadonlyMap<string, V>;

/** `a=1,b=2`: text by text. Given again, it goes on. */
export const pairs: FlagSyntax<Pairs<string>> = { parse: (value, before) => readPairs(value.split(','), before) };

/** `a=1`: one pair each time the flag is given; commas are part of the value. */
export const singlePairs: FlagSyntax<Pairs<string>> = { parse: (value, before) => readPairs([value], before) };

function readPairs(parts: readonly string[], before: Pairs<string> | undefined): Pairs<string> {
  const found = new Map(before);
  for (const part of parts) {
    if (part === '') continue;
    const at = part.indexOf('=');
    if (at < 0) throw new FlagValueError('malformed pair, expect string=string');
    found.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  return found;
}

/** `A=true,B=false`. Given again, it goes on. */
export const switches: FlagSyntax<Pairs<boolean>> = {
  parse: (value, before) => {
    const found = new Map(before);
    for (const part of value.split(',')) {
      if (part === '') continue;
      const at = part.indexOf('=');
      const key = part.slice(0, at).trim();
      if (at < 0) throw new FlagValueError(`missing bool value for ${part}`);
      const word = part.slice(at + 1).trim();
      try {
        found.set(key, parseBoolean(word));
      } catch (error) {
        if (error instanceof FlagValueError) throw new FlagValueError(`invalid value of ${key}=${word}, err: ${error.message}`);
        throw error;
      }
    }
    return found;
  },
};

/** `api/all=false,apps/v1`: a value may be left out. Given again, it goes on. */
export const configuration: FlagSyntax<Pairs<string>> = {
  parse: (value, before) => {
    const found = new Map(before);
    for (const part of value.split(',')) {
      if (part === '') continue;
      const at = part.indexOf('=');
      if (at < 0) found.set(part.trim(), '');
      else found.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
    }
    return found;
  },
};

/** One line of comma-separated values, with quotes where a value holds a comma. @source Go encoding/csv */
export function splitList(line: string): string[] {
  if (line === '') return [];
  const values: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(rest);
    const plain = /^[^,"]*(?=,|$)/.exec(rest);
    const matched = quoted ?? plain;
    if (!matched) throw new FlagValueError(`parse error: bare " in non-quoted field`);
    values.push(quoted ? quoted[1]!.replaceAll('""', '"') : matched[0]);
    rest = rest.slice(matched[0].length);
    if (rest === '') return values;
    rest = rest.slice(1);
  }
}
