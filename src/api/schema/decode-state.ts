/**
 * What a decoding walk carries: where it is, and the strict faults met so far. Paths are kept twice over in one stack, because Go
 * names a place in two ways: type errors by the fields alone, strict errors with indexes and map keys.
 * @source sigs.k8s.io/json (strict errors, their limit), Go encoding/json UnmarshalTypeError
 */
import { describeJson, structName } from './go-names.ts';
import type { ObjectSchema, ValueSchema } from './object-schema.ts';

/** Strict faults beyond these are not told; there is no use in more. */
const maxStrictErrors = 100;

/** A value that its type cannot hold; the message is Go's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  /** For a value of another type: the Go type it should have, whether that is a kind of string, and the value. */
  readonly mismatch: { readonly goType: string; readonly isString: boolean; readonly value: unknown } | undefined;

  constructor(message: string, options: ErrorOptions & { readonly mismatch?: DecodeError['mismatch'] } = {}) {
    super(message, options);
    this.mismatch = options.mismatch;
  }
}

/** One step of the path: a field's name, an index, or the key of a map. */
type Step = string | number | { readonly key: string };

export class DecodeState {
  readonly path: Step[] = [];
  readonly strictErrors = new Set<string>();
  readonly #root: ObjectSchema;
  #strict: boolean;

  constructor(root: ObjectSchema, options: { readonly strict: boolean }) {
    this.#root = root;
    this.#strict = options.strict;
  }

  unknownField(name: string): void {
    if (this.#strict && this.strictErrors.size < maxStrictErrors)
      this.strictErrors.add(`unknown field ${JSON.stringify(this.#strictPath(name))}`);
  }

  /** @throws DecodeError `json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string` */
  mismatch(value: unknown, goType: string, options: { readonly withNumber?: boolean; readonly isString?: boolean } = {}): never {
    const { withNumber = false, isString = false } = options;
    const fields = this.path.filter((step) => typeof step === 'string');
    const what = describeJson(value, { withNumber });
    const mismatch = { goType, isString, value };
    if (fields.length === 0) throw new DecodeError(`json: cannot unmarshal ${what} into Go value of type ${goType}`, { mismatch });
    const field = `${structName(this.#ownerOf(fields))}.${fields.join('.')}`;
    throw new DecodeError(`json: cannot unmarshal ${what} into Go struct field ${field} of type ${goType}`, { mismatch });
  }

  /** Runs a part of the walk for which unknown fields are no fault. */
  leniently<T>(walk: () => T): T {
    const strict = this.#strict;
    this.#strict = false;
    try {
      return walk();
    } finally {
      this.#strict = strict;
    }
  }

  /** The definition of the innermost struct on the way to a field. */
  #ownerOf(fields: readonly string[]): string {
    let owner = this.#root;
    for (const field of fields.slice(0, -1)) {
      const inner = innermost(owner.fields.get(field)?.value);
      if (inner?.kind !== 'object') break;
      owner = inner.schema;
    }
    return owner.definition;
  }

  #strictPath(last: string): string {
    let text = '';
    for (const step of this.path) {
      if (typeof step === 'number') text += `[${step}]`;
      else text += `${text === '' ? '' : '.'}${typeof step === 'string' ? step : step.key}`;
    }
    return text === '' ? last : `${text}.${last}`;
  }
}

/** What stands in a list or a map, through all of them. */
function innermost(value: ValueSchema | undefined): ValueSchema | undefined {
  if (value?.kind === 'list') return innermost(value.items);
  if (value?.kind === 'map') return innermost(value.values);
  return value;
}
