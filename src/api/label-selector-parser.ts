/**
 * Reads the text form of a label selector (`app=web,tier in (a,b),!legacy`). The words `in` and `notin` are operators only where an
 * operator can stand.
 * @source apimachinery pkg/labels/selector.go, v1.35
 */
import { invalidValue } from './field-errors.ts';
import { LabelMatcher, type LabelOperator, type LabelRequirement, matchEverything, requirement, SelectorError } from './label-selector.ts';
import { qualifiedNameErrors } from './names.ts';

type Token = 'identifier' | 'end' | 'error' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin';
interface Item {
  readonly token: Token;
  readonly literal: string;
}

const symbols = '=!(),><';
const spaces = ' \t\r\n';
const symbolTokens: ReadonlySet<string> = new Set(['(', ')', ',', '!', '=', '==', '!=', '>', '<']);
const operators: Partial<Readonly<Record<Token, LabelOperator>>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

/**
 * @throws SelectorError saying what was found and what was expected
 */
export function parseLabelSelector(text: string): LabelMatcher {
  return text === '' ? matchEverything : new Parser(text).parse();
}

class Parser {
  readonly #items: readonly Item[];
  #position = 0;

  constructor(text: string) {
    this.#items = scan(text);
  }

  parse(): LabelMatcher {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const { token, literal } = this.#peek();
      if (token === 'end') break;
      if (token !== 'identifier' && token !== '!')
        throw new SelectorError(`found '${literal}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      const next = this.#take();
      if (next.token === 'end') break;
      if (next.token !== ',') throw new SelectorError(`found '${next.literal}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.token !== 'identifier' && after.token !== '!') {
        throw new SelectorError(`found '${after.literal}', expected: identifier after ','`);
      }
    }
    return new LabelMatcher(requirements);
  }

  #requirement(): LabelRequirement {
    try {
      const negated = this.#peek().token === '!';
      if (negated) this.#take();
      const { token, literal: key } = this.#take();
      if (token !== 'identifier') throw new SelectorError(`found '${key}', expected: identifier`);
      const errors = qualifiedNameErrors(key);
      // Upstream has no path for the key of a selector text and prints the nil one.
      if (errors.length > 0) throw new SelectorError(`<nil>: ${invalidValue('', key, errors.join('; ')).message}`);
      const next = this.#peek().token;
      if (negated) return requirement(key, '!', []);
      if (next === 'end' || next === ',') return requirement(key, 'exists', []);
      const operator = this.#operator();
      return requirement(key, operator, operator === 'in' || operator === 'notin' ? this.#values() : this.#exactValue());
    } catch (error) {
      if (error instanceof SelectorError) throw new SelectorError(`unable to parse requirement: ${error.message}`);
      throw error;
    }
  }

  #operator(): LabelOperator {
    const { token, literal } = this.#items[this.#position++] ?? end;
    const operator = operators[token];
    if (!operator) throw new SelectorError(`found '${literal}', expected: in, notin, =, ==, !=, gt, lt`);
    return operator;
  }

  #values(): string[] {
    const open = this.#take();
    if (open.token !== '(') throw new SelectorError(`found '${open.literal}' expected: '('`);
    const { token, literal } = this.#peek();
    if (token === ')') {
      this.#take();
      return [''];
    }
    if (token !== 'identifier' && token !== ',') throw new SelectorError(`found '${literal}', expected: ',', ')' or identifier`);
    const values = this.#identifiers();
    if (this.#take().token !== ')') throw new SelectorError(`found '${literal}', expected: ')'`);
    return [...values].sort();
  }

  /** Names between parentheses; an empty place between commas is the empty value. */
  #identifiers(): Set<string> {
    const values = new Set<string>();
    for (;;) {
      const { token, literal } = this.#take();
      if (token === 'identifier') {
        values.add(literal);
        const next = this.#peek();
        if (next.token === ')') return values;
        if (next.token !== ',') throw new SelectorError(`found '${next.literal}', expected: ',' or ')'`);
      } else if (token === ',') {
        if (values.size === 0) values.add('');
        const next = this.#peek().token;
        if (next === ')') return values.add('');
        if (next === ',') values.add('');
      } else {
        throw new SelectorError(`found '${literal}', expected: ',', or identifier`);
      }
    }
  }

  #exactValue(): string[] {
    const next = this.#peek().token;
    if (next === 'end' || next === ',') return [''];
    const { token, literal } = this.#take();
    if (token !== 'identifier') throw new SelectorError(`found '${literal}', expected: identifier`);
    return [literal];
  }

  /** The next item where a value can stand, so that `in` and `notin` are plain words. */
  #peek(): Item {
    const item = this.#items[this.#position] ?? end;
    return item.token === 'in' || item.token === 'notin' ? { token: 'identifier', literal: item.literal } : item;
  }

  #take(): Item {
    const item = this.#peek();
    this.#position++;
    return item;
  }
}

const end: Item = { token: 'end', literal: '' };

function scan(text: string): Item[] {
  const items: Item[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (spaces.includes(char)) {
      at++;
    } else if (symbols.includes(char)) {
      const two = text.slice(at, at + 2);
      const symbol = symbolTokens.has(two) ? two : char;
      items.push({ token: symbol as Token, literal: symbol });
      at += symbol.length;
    } else {
      const start = at;
      while (at < text.length && !symbols.includes(text[at]!) && !spaces.includes(text[at]!)) at++;
      const literal = text.slice(start, at);
      items.push({ token: literal === 'in' || literal === 'notin' ? literal : 'identifier', literal });
    }
  }
  return items;
}
