/**
 * Walks a document that a person wrote: knows where it is, remembers fields that nobody asked for and values of the wrong type. Nothing is
 * thrown, so that all faults can be told at once.
 */
import { DurationError, fieldErrors, type FieldError, parseDuration } from '../../api/index.ts';

type Fields = Readonly<Record<string, unknown>>;

export class ConfigReader {
  readonly errors: FieldError[] = [];
  /** Paths of fields that there are not. */
  readonly unknown: string[] = [];
  readonly #document: unknown;

  constructor(document: unknown) {
    this.#document = document;
  }

  /** The document itself. @param fields those that it may have */
  object(path: string, fields: readonly string[]): Node {
    return new Node(this, path, this.#document).only(fields);
  }
}

/** One object of the document. */
class Node {
  readonly value: Fields;
  readonly #reader: ConfigReader;
  readonly #path: string;

  constructor(reader: ConfigReader, path: string, value: unknown) {
    this.#reader = reader;
    this.#path = path;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject && value !== undefined && value !== null) reader.errors.push(fieldErrors.typeInvalid(path, value, 'must be an object'));
    this.value = isObject ? { ...value } : {};
  }

  /** Notes every other field as unknown. */
  only(fields: readonly string[]): this {
    for (const name of Object.keys(this.value)) if (!fields.includes(name)) this.#reader.unknown.push(this.#at(name));
    return this;
  }

  /** An object in this one; empty when it is absent. */
  child(name: string, fields: readonly string[]): Node {
    return new Node(this.#reader, this.#at(name), this.#own(name)).only(fields);
  }

  /** The objects of a list; none when it is absent. */
  list(name: string): Node[] {
    return this.#items(name).map((item, i) => new Node(this.#reader, `${this.#at(name)}[${i}]`, item));
  }

  /** Empty when it is absent. */
  text(name: string): string {
    return this.#textOf(this.#own(name), this.#at(name));
  }

  /** Undefined when it is absent. */
  flag(name: string): boolean | undefined {
    const value = this.#own(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'boolean') return value;
    this.#reader.errors.push(fieldErrors.typeInvalid(this.#at(name), value, 'must be a boolean'));
    return undefined;
  }

  /** Milliseconds of a duration such as `5m`; undefined when it is absent. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    try {
      return parseDuration(text);
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      this.#reader.errors.push(fieldErrors.invalidValue(this.#at(name), text, error.message));
      return undefined;
    }
  }

  texts(name: string): string[] {
    return this.#items(name).map((item, i) => this.#textOf(item, `${this.#at(name)}[${i}]`));
  }

  /** Notes a fault. @param make gets the path of this object */
  fault(make: (path: string) => FieldError): void {
    this.#reader.errors.push(make(this.#path));
  }

  #items(name: string): readonly unknown[] {
    const value = this.#own(name);
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value as readonly unknown[];
    this.#reader.errors.push(fieldErrors.typeInvalid(this.#at(name), value, 'must be a list'));
    return [];
  }

  #textOf(value: unknown, path: string): string {
    if (typeof value === 'string') return value;
    if (value !== undefined && value !== null) this.#reader.errors.push(fieldErrors.typeInvalid(path, value, 'must be a string'));
    return '';
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.value, name) ? this.value[name] : undefined;
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

export type ConfigNode = Node;
