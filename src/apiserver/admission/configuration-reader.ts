/** Reads the configuration of a plugin: strict, and a fault names what it is of, and the field. */
import { isJsonObject } from '../../api/json/index.ts';

export class ConfigurationReader {
  readonly #subject: string;

  /** @param subject such as `admission plugin "PodSecurity"` */
  constructor(subject: string) {
    this.#subject = subject;
  }

  fault(path: string, why: string): RangeError {
    return new RangeError(`configuration of ${this.#subject}: ${path === '' ? '' : `${path}: `}${why}`);
  }

  /** @throws RangeError when it is no object, or has a field that is not among `fields` */
  object(value: unknown, path: string, fields: readonly string[]): Readonly<Record<string, unknown>> {
    if (value === undefined || value === null) return {};
    if (!isJsonObject(value)) throw this.fault(path, 'must be an object');
    for (const field in value) {
      if (!fields.includes(field)) throw this.fault(path === '' ? field : `${path}.${field}`, 'unknown field');
    }
    return value;
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw this.fault(path, 'must be a list');
    return value;
  }

  text(value: unknown, path: string): string {
    if (value === undefined || value === null) return '';
    if (typeof value !== 'string') throw this.fault(path, 'must be a string');
    return value;
  }

  texts(value: unknown, path: string): readonly string[] {
    return this.list(value, path).map((item, i) => this.text(item, `${path}[${i}]`));
  }

  integer(value: unknown, path: string): number {
    if (value === undefined || value === null) return 0;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.fault(path, 'must be an integer');
    return value;
  }

  /** @throws RangeError when the configuration is of another kind, or of a version that is not known */
  kind(root: Readonly<Record<string, unknown>>, wanted: { readonly kind: string; readonly versions: readonly string[] }): void {
    const [kind, version] = [this.text(root['kind'], 'kind'), this.text(root['apiVersion'], 'apiVersion')];
    if (kind === wanted.kind && wanted.versions.includes(version)) return;
    throw this.fault('', `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)}`);
  }
}
