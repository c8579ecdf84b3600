/**
 * What an extender answered, read with distrust: a field of the wrong type is an error that names it. Upper and lower case of field names
 * are one, since extenders are written for a scheduler that reads them so; fields that nobody knows are passed over.
 * @source encoding/json, as kube-scheduler extender.go uses it, v1.35
 */

/** An extender could not be asked, or its answer cannot be used. */
export class ExtenderError extends Error {
  override readonly name = 'ExtenderError';
}

export class ExtenderAnswer {
  readonly #value: unknown;
  readonly #what: string;

  /** @param what of which the errors speak */
  constructor(value: unknown, what: string) {
    this.#value = value;
    this.#what = what;
  }

  /** @throws ExtenderError with the extender's own words, when it says that it failed */
  throwIfError(): void {
    const error = this.text('error');
    if (error) throw new ExtenderError(error);
  }

  text(field: string): string | undefined {
    return this.#field(field, 'a string', (value) => typeof value === 'string');
  }

  integer(field: string): number | undefined {
    return this.#field(field, 'an integer', Number.isSafeInteger as (value: unknown) => value is number);
  }

  object(field: string): ExtenderAnswer | undefined {
    const value = this.#field(field, 'an object', isFields);
    return value && new ExtenderAnswer(value, `${this.#what}.${field}`);
  }

  objects(field: string): readonly ExtenderAnswer[] | undefined {
    const value = this.#field(field, 'a list', (each) => Array.isArray(each));
    return value && new ExtenderAnswer(value, `${this.#what}.${field}`).elements();
  }

  texts(field: string): readonly string[] | undefined {
    const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string');
    return this.#field(field, 'a list of strings', isTexts);
  }

  textMap(field: string): ReadonlyMap<string, string> {
    const isTextMap = (value: unknown): value is Record<string, string> =>
      isFields(value) && Object.values(value).every((each) => typeof each === 'string');
    return new Map(Object.entries(this.#field(field, 'a map of strings', isTextMap) ?? {}));
  }

  objectMap(field: string): ReadonlyMap<string, ExtenderAnswer> {
    const entries = Object.entries(this.#field(field, 'a map', isFields) ?? {});
    return new Map(entries.map(([key, value]) => [key, new ExtenderAnswer(value, `${this.#what}.${field}[${JSON.stringify(key)}]`)]));
  }

  /** Of an answer that is a list. */
  elements(): readonly ExtenderAnswer[] {
    if (this.#value === null) return [];
    if (!Array.isArray(this.#value)) throw this.#wrong('a list');
    return this.#value.map((each: unknown, i) => new ExtenderAnswer(each, `${this.#what}[${i}]`));
  }

  /** Null is as good as nothing. @throws ExtenderError */
  #field<T>(field: string, wanted: string, isRight: (value: unknown) => value is T): T | undefined {
    if (this.#value === null || this.#value === undefined) return undefined;
    if (!isFields(this.#value)) throw this.#wrong('an object');
    const name = Object.keys(this.#value).findLast((each) => each.toLowerCase() === field.toLowerCase());
    const value = name === undefined ? undefined : this.#value[name];
    if (value === undefined || value === null) return undefined;
    if (!isRight(value)) throw new ExtenderError(`${this.#what} with ${name} that is not ${wanted}`);
    return value;
  }

  #wrong(wanted: string): ExtenderError {
    return new ExtenderError(`${this.#what} with what is not ${wanted}`);
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
