/** Query parameters, parsed on the first read: most requests have none, and most readers ask for one. */
import type { QueryParameters } from '../request.ts';

class ParsedQuery implements QueryParameters {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }
}

/** No parameters at all. */
export const emptyQuery: QueryParameters = new ParsedQuery(new Map());

/** @param text what follows the `?`; pairs that cannot be percent-decoded are kept as they are */
export function parseQuery(text: string): QueryParameters {
  if (text === '') return emptyQuery;
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const list = values.get(name);
    if (list) list.push(value);
    else values.set(name, [value]);
  }
  return new ParsedQuery(values);
}

/** Parameters given as a record, as the in-process transport has them; undefined ones are absent. */
export function queryOf(record: Readonly<Record<string, string | number | boolean | undefined>> | undefined): QueryParameters {
  if (!record) return emptyQuery;
  const values = new Map<string, string[]>();
  for (const [name, value] of Object.entries(record)) if (value !== undefined) values.set(name, [String(value)]);
  return new ParsedQuery(values);
}

/** A boolean parameter as upstream reads it: absent is false; `0` and `false` are false; anything else, even nothing, is true. */
export function booleanParameter(query: QueryParameters, name: string): boolean {
  const value = query.get(name);
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
}
