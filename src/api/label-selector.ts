/**
 * Label selectors: requirements on labels, from `a=b,c in (d,e)` or from `{matchLabels, matchExpressions}`, matched against labels
 * and written back as text. Pure; where selectors come from and what they select is not known here.
 * @source apimachinery pkg/labels/selector.go and pkg/apis/meta/v1/helpers.go, v1.35
 */
import type { LabelSelector } from './gen/meta-v1.ts';
import type { FieldError } from './errors.ts';
import { invalidValue } from './field-errors.ts';
import { goQuote } from './go-text.ts';
import { labelValueErrors, qualifiedNameErrors } from './names.ts';

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** The selector cannot be read; the message is the one that clients see. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

/** One condition on one label. */
export class LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without repetition. */
  readonly values: readonly string[];
  readonly #set: ReadonlySet<string> | undefined;

  constructor(key: string, operator: LabelOperator, values: readonly string[]) {
    this.key = key;
    this.operator = operator;
    this.values = values.length > 1 ? [...new Set(values)].sort() : values;
    this.#set = values.length > 4 ? new Set(values) : undefined;
  }

  matches(labels: Labels | undefined): boolean {
    const present = labels !== undefined && Object.hasOwn(labels, this.key);
    switch (this.operator) {
      case 'exists':
        return present;
      case '!':
        return !present;
      case '=':
      case '==':
      case 'in':
        return present && this.#includes(labels[this.key]!);
      case '!=':
      case 'notin':
        return !present || !this.#includes(labels[this.key]!);
      case 'gt':
      case 'lt':
        return present && this.#compares(labels[this.key]!);
      default:
        return false;
    }
  }

  #includes(value: string): boolean {
    return this.#set ? this.#set.has(value) : this.values.includes(value);
  }

  #compares(value: string): boolean {
    const [have, limit] = [parseInt64(value), parseInt64(this.values[0] ?? '')];
    if (have === undefined || limit === undefined) return false;
    return this.operator === 'gt' ? have > limit : have < limit;
  }

  toString(): string {
    switch (this.operator) {
      case 'exists':
        return this.key;
      case '!':
        return `!${this.key}`;
      case 'in':
      case 'notin':
        return `${this.key} ${this.operator} (${this.values.join(',')})`;
      case 'gt':
        return `${this.key}>${this.values[0]}`;
      case 'lt':
        return `${this.key}<${this.values[0]}`;
      default:
        return `${this.key}${this.operator}${this.values[0]}`;
    }
  }
}

/** All of the requirements; none at all selects everything. */
export class LabelMatcher {
  /** Sorted by key. */
  readonly requirements: readonly LabelRequirement[];
  readonly #nothing: boolean;

  constructor(requirements: readonly LabelRequirement[], nothing = false) {
    this.requirements = [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.#nothing = nothing;
  }

  /** True when it selects every object. */
  get isEverything(): boolean {
    return !this.#nothing && this.requirements.length === 0;
  }

  get isNothing(): boolean {
    return this.#nothing;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.#nothing) return false;
    for (const requirement of this.requirements) if (!requirement.matches(labels)) return false;
    return true;
  }

  /** The value that label `key` must have, when a requirement says so: what an index can look up. */
  requiredValue(key: string): string | undefined {
    const exact = this.requirements.find(
      (requirement) =>
        requirement.key === key &&
        requirement.values.length === 1 &&
        (requirement.operator === '=' || requirement.operator === '==' || requirement.operator === 'in'),
    );
    return exact?.values[0];
  }

  /** The text form, empty for everything and for nothing. */
  toString(): string {
    return this.requirements.map(String).join(',');
  }
}

export const matchEverything: LabelMatcher = new LabelMatcher([]);
export const matchNothing: LabelMatcher = new LabelMatcher([], true);

const matchers = new WeakMap<LabelSelector, LabelMatcher>();

/**
 * The matcher of a selector object. None selects nothing, an empty one everything. Remembered per (immutable) object.
 * @throws SelectorError for an operator or value that validation should have refused
 */
export function labelSelectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  if (!selector) return matchNothing;
  const known = matchers.get(selector);
  if (known) return known;
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) requirements.push(requirement(key, '=', [value]));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const own = Object.hasOwn(objectOperators, operator) ? objectOperators[operator] : undefined;
    if (!own) throw new SelectorError(`${goQuote(operator)} is not a valid label selector operator`);
    // A kind may ask before its fields were validated: nothing says that there is a key.
    requirements.push(requirement(key ?? '', own, values ?? []));
  }
  const matcher = requirements.length === 0 ? matchEverything : new LabelMatcher(requirements);
  matchers.set(selector, matcher);
  return matcher;
}

/** The matcher of a plain map, as a Service or a ReplicationController has it: every label must have its value. */
export function labelsMatcher(labels: Labels): LabelMatcher {
  return new LabelMatcher(Object.entries(labels).map(([key, value]) => new LabelRequirement(key, '=', [value])));
}

/** A selector object as `kubectl` shows it. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  try {
    return labelSelectorMatcher(selector).toString() || '<none>';
  } catch (error) {
    if (error instanceof SelectorError) return '<error>';
    throw error;
  }
}

/** Labels as text, sorted: `a=b,c=d`; `<none>` for none. */
export function formatLabels(labels: Labels | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

/** The selector object that says the same as a matcher; undefined for what an object cannot say (`>` and `<`). */
export function toLabelSelector(matcher: LabelMatcher): LabelSelector | undefined {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: { key: string; operator: string; values?: readonly string[] }[] = [];
  for (const { key, operator, values } of matcher.requirements) {
    switch (operator) {
      case '=':
      case '==':
        matchLabels[key] = values[0]!;
        break;
      case '!=':
      case 'notin':
        matchExpressions.push({ key, operator: 'NotIn', values });
        break;
      case 'in':
        matchExpressions.push({ key, operator: 'In', values });
        break;
      case 'exists':
        matchExpressions.push({ key, operator: 'Exists' });
        break;
      case '!':
        matchExpressions.push({ key, operator: 'DoesNotExist' });
        break;
      default:
        return undefined;
    }
  }
  return {
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  };
}

const objectOperators: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

/**
 * A requirement whose parts are checked.
 * @throws SelectorError with every fault
 */
export function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const errors: FieldError[] = [];
  const keyErrors = qualifiedNameErrors(key);
  if (keyErrors.length > 0) errors.push(invalidValue('key', key, keyErrors.join('; ')));
  const countError = valueCountErrors[operator](values.length);
  if (countError !== undefined) errors.push(invalidValue('values', values.length === 0 ? none : values, countError));
  if (operator === 'gt' || operator === 'lt') {
    values.forEach((value, i) => {
      if (parseInt64(value) === undefined) {
        errors.push(invalidValue(`values[${i}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
      }
    });
  }
  values.forEach((value, i) => {
    const valueErrors = labelValueErrors(value);
    if (valueErrors.length > 0) errors.push(invalidValue(`values[${i}][${key}]`, value, valueErrors.join('; ')));
  });
  if (errors.length > 0) {
    const sentences = errors.map(({ field, message }) => `${field}: ${message}`);
    throw new SelectorError(sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`);
  }
  return new LabelRequirement(key, operator, values);
}

/** Prints as Go's empty list, without quotes. */
const none = { toJSON: (): null => null };

const exactlyOne = (count: number): string | undefined => (count === 1 ? undefined : 'exact-match compatibility requires one single value');
const atLeastOne = (count: number): string | undefined =>
  count > 0 ? undefined : "for 'in', 'notin' operators, values set can't be empty";
const noValues = (count: number): string | undefined =>
  count === 0 ? undefined : 'values set must be empty for exists and does not exist';
const oneInteger = (count: number): string | undefined =>
  count === 1 ? undefined : "for 'Gt', 'Lt' operators, exactly one value is required";
const valueCountErrors: Readonly<Record<LabelOperator, (count: number) => string | undefined>> = {
  '=': exactlyOne,
  '==': exactlyOne,
  '!=': exactlyOne,
  in: atLeastOne,
  notin: atLeastOne,
  exists: noValues,
  '!': noValues,
  gt: oneInteger,
  lt: oneInteger,
};

function parseInt64(text: string): bigint | undefined {
  if (!/^[-+]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}
