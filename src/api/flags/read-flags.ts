/**
 * Reads flags as a person gives them into typed values, by the table of a component. Every fault is told, not only the first. Pure; knows
 * no flag.
 * @source spf13/pflag v1.0 (texts of faults)
 */
import { goQuote } from '../go-text.ts';
import { type FlagSyntax, FlagValueError } from './syntax.ts';

/** Flags by name, without the dashes. */
export type FlagTable = Readonly<Record<string, FlagSyntax<unknown>>>;

/** What the flags of a table say; one that was not given is not there. */
export type ValuesOf<Table> = { readonly [Name in keyof Table]?: Table[Name] extends FlagSyntax<infer T> ? T : never };

/** Values by the name of their flag; several when it was given several times. */
export type GivenFlags = Readonly<Record<string, readonly string[]>>;

export interface ReadFlags<Values> {
  readonly values: Values;
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

export interface ReadFlagsOptions<Values> {
  /** Why a flag that upstream's component has, and this table does not, cannot be given. */
  readonly refusal?: (name: string) => string | undefined;
  /** Faults beyond the syntax of single flags; asked when there are none of those. */
  readonly check?: (values: Values) => readonly string[];
}

export function readFlags<Table extends FlagTable>(
  table: Table,
  given: GivenFlags,
  { refusal, check }: ReadFlagsOptions<ValuesOf<Table>> = {},
): ReadFlags<ValuesOf<Table>> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, texts] of Object.entries(given)) {
    const syntax = syntaxOf(table, name);
    if (!syntax) {
      faults.push(refusal?.(name) ?? `unknown flag: --${name}`);
      continue;
    }
    for (const text of texts) {
      try {
        values[name] = syntax.parse(text, values[name]);
      } catch (error) {
        if (!(error instanceof FlagValueError)) throw error;
        faults.push(`invalid argument ${goQuote(text)} for "--${name}" flag: ${error.message}`);
      }
    }
  }
  // Each value was made by the syntax that stands beside its name.
  const read = values as ValuesOf<Table>;
  return { values: read, faults: faults.length > 0 ? faults : (check?.(read) ?? []) };
}

/** Undefined: the table has no such flag. */
export function syntaxOf(table: FlagTable, name: string): FlagSyntax<unknown> | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** The words of a command line: `--name=value`, `--name value`, `--switch`. */
export function readFlagWords(
  table: FlagTable,
  words: readonly string[],
): { readonly given: GivenFlags; readonly faults: readonly string[] } {
  // Without a prototype: any word may be a name here.
  const given = Object.create(null) as Record<string, string[]>;
  const faults: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const match = /^--([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (!match) {
      faults.push(word.startsWith('-') ? `bad flag syntax: ${word}` : `it does not take any arguments, got ${goQuote(word)}`);
      continue;
    }
    const [, name = '', value] = match;
    const values = (given[name] ??= []);
    if (value !== undefined) values.push(value);
    else if (syntaxOf(table, name)?.isBoolean) values.push('true');
    else if (!syntaxOf(table, name)) continue;
    else if (i + 1 < words.length) values.push(words[++i]!);
    else faults.push(`flag needs an argument: --${name}`);
  }
  return { given, faults };
}
