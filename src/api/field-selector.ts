/**
 * Field selectors (`status.phase=Running,spec.nodeName!=n1`): equality on a few named fields. Which fields a kind offers is the
 * kind's table entry; this file only knows the syntax and the matching.
 * @source apimachinery pkg/fields/selector.go, v1.35
 */
import { SelectorError } from './label-selector.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All of the requirements; none at all selects everything. */
export class FieldMatcher {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  get isEverything(): boolean {
    return this.requirements.length === 0;
  }

  /** @param read the value of a field, the empty string when it is not set */
  matches(read: (field: string) => string): boolean {
    for (const { field, operator, value } of this.requirements) if ((read(field) === value) !== (operator === '=')) return false;
    return true;
  }

  /** The value that `field` must have, when a requirement says so: what an index can look up. */
  requiredValue(field: string): string | undefined {
    return this.requirements.find((requirement) => requirement.field === field && requirement.operator === '=')?.value;
  }

  toString(): string {
    return this.requirements.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(',');
  }
}

/**
 * @throws SelectorError saying which term cannot be read
 */
export function parseFieldSelector(text: string): FieldMatcher {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text).sort()) {
    if (term === '') continue;
    const parts = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (!parts) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    const [field, value] = [parts[1]!, unescapeFieldValue(parts[3]!)];
    // What asks nothing of nothing is no requirement.
    if (field !== '' || value !== '') requirements.push({ field, operator: parts[2] === '!=' ? '!=' : '=', value });
  }
  return new FieldMatcher(requirements);
}

/** A value with `\`, `,` and `=` escaped, as a selector takes it. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

function unescapeFieldValue(text: string): string {
  let value = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '\\') {
      const next = text[++i];
      if (next !== '\\' && next !== ',' && next !== '=')
        throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`);
      value += next;
    } else if (char === ',' || char === '=') {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    } else {
      value += char;
    }
  }
  return value;
}

/** The terms between commas that are not escaped. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}
