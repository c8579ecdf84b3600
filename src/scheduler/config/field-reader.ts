/**
 * Reads an untyped document strictly: a field that is not known or has the wrong type is a fault with its path, never passed over.
 */
import { fieldErrors, type JsonValue, parseDuration } from '../../api/index.ts';

type Fields = Readonly<Record<string, JsonValue | undefined>>;

export class FieldReader {
  readonly path: string;
  readonly #fields: Fields;
  readonly #faults: string[];
  readonly #known = new Set<string>();

  /** @param faults where faults are put */
  constructor(value: JsonValue | undefined, path: string, faults: string[]) {
    this.path = path;
    this.#faults = faults;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    // Of JSON values only objects have string keys.
    this.#fields = isObject ? (value as Fields) : {};
    if (!isObject && value !== undefined && value !== null) this.#wrongType('', value, 'an object');
  }

  has(name: string): boolean {
    return this.#take(name) !== undefined;
  }

  text(name: string, fallback = ''): string {
    return this.#typed(name, fallback, 'a string', (value) => typeof value === 'string');
  }

  integer(name: string): number | undefined;
  integer(name: string, fallback: number): number;
  integer(name: string, fallback?: number): number | undefined {
    return this.#typed<number | undefined>(name, fallback, 'an integer', (value) => Number.isSafeInteger(value));
  }

  number(name: string, fallback: number): number {
    return this.#typed(name, fallback, 'a number', (value) => typeof value === 'number');
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.#typed(name, fallback, 'a boolean', (value) => typeof value === 'boolean');
  }

  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    try {
      return parseDuration(text);
    } catch (error) {
      this.fault(fieldErrors.invalidValue(this.at(name), text, (error as Error).message));
      return undefined;
    }
  }

  /** Any object, as it stands. */
  open(name: string): Readonly<Record<string, unknown>> {
    return this.#typed<Readonly<Record<string, unknown>>>(
      name,
      {},
      'an object',
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    );
  }

  object(name: string): FieldReader {
    return new FieldReader(this.#take(name), this.at(name), this.#faults);
  }

  objects(name: string): readonly FieldReader[] {
    const items = this.#typed<readonly JsonValue[]>(name, [], 'a list', (value) => Array.isArray(value));
    return items.map((item, i) => new FieldReader(item, `${this.at(name)}[${i}]`, this.#faults));
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  fault({ field, message }: { readonly field: string; readonly message: string }): void {
    this.#faults.push(`${field}: ${message}`);
  }

  /** To be called when everything that may be there was asked for. */
  end(): void {
    for (const name of Object.keys(this.#fields)) {
      if (!this.#known.has(name)) this.#faults.push(`strict decoding error: unknown field "${this.at(name)}"`);
    }
  }

  #take(name: string): JsonValue | undefined {
    this.#known.add(name);
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value === null ? undefined : value;
  }

  #typed<T>(name: string, fallback: T, wanted: string, isRight: (value: JsonValue) => boolean): T {
    const value = this.#take(name);
    if (value === undefined) return fallback;
    // `isRight` has looked at it.
    if (isRight(value)) return value as T;
    this.#wrongType(name, value, wanted);
    return fallback;
  }

  #wrongType(name: string, value: JsonValue, wanted: string): void {
    this.fault(fieldErrors.typeInvalid(name === '' ? this.path : this.at(name), value, `must be ${wanted}`));
  }
}
