/**
 * Reads JSON that `JSON.parse` would alter or refuse: keeps integers beyond 2^53 as bigint, names every key that is said twice with
 * its path, and words syntax errors as Go does. No recursion, so that nesting costs heap and not stack. Ten times slower than
 * `JSON.parse`, which reads every clean text.
 * @source Go encoding/json scanner.go; sigs.k8s.io/json (duplicate fields, integers)
 */
import type { Draft, JsonValue } from '../object.ts';
import { endOfString } from './scan.ts';
import { setOwn } from './tree.ts';

/**
 * Deepest nesting that is read. Go reads ten thousand levels; what prints and compares trees here has a stack of fixed size, and nothing
 * that a kind can hold is deeper than `maxTreeDepth`.
 */
export const maxNesting = 2_000;

/** Faults beyond these are not told. */
const maxDuplicates = 100;

/** Text that is not JSON; the message is Go's. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

interface Frame {
  readonly list: Draft<JsonValue>[] | undefined;
  readonly object: Record<string, Draft<JsonValue>>;
  /** What the path says between this frame and its child: `.key` or `[index]`. */
  step: string;
  key: string;
}

/** Where the reader stands and what may come there. */
type Expect = 'value' | 'value or ]' | 'key or }' | 'key' | 'colon' | 'comma or end' | 'end';

export class CarefulReader {
  readonly duplicates = new Set<string>();
  readonly #text: string;
  readonly #frames: Frame[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @throws JsonSyntaxError */
  read(): Draft<JsonValue> {
    let expect: Expect = 'value';
    let result: Draft<JsonValue> = null;
    const done = (value: Draft<JsonValue>): void => {
      const frame = this.#frames.at(-1);
      if (frame === undefined) {
        result = value;
        expect = 'end';
      } else {
        this.#put(frame, value);
        expect = 'comma or end';
      }
    };
    for (;;) {
      this.#skipSpace();
      const char = this.#text[this.#at];
      if (char === undefined) {
        if (expect === 'end') return result;
        throw new JsonSyntaxError('unexpected end of JSON input');
      }
      switch (expect) {
        case 'end':
          throw this.#invalid('after top-level value');
        case 'key or }':
        case 'key':
          if (char === '}' && expect === 'key or }') {
            this.#at++;
            done(this.#frames.pop()!.object);
          } else if (char === '"') {
            this.#readKey();
            expect = 'colon';
          } else {
            throw this.#invalid('looking for beginning of object key string');
          }
          break;
        case 'colon':
          if (char !== ':') throw this.#invalid('after object key');
          this.#at++;
          expect = 'value';
          break;
        case 'comma or end':
          expect = this.#afterValue(char, done) ?? expect;
          break;
        case 'value or ]':
          if (char === ']') {
            this.#at++;
            done(this.#frames.pop()!.list!);
            break;
          }
          expect = this.#beginValue(char, done) ?? expect;
          break;
        case 'value':
          expect = this.#beginValue(char, done) ?? expect;
          break;
      }
    }
  }

  #afterValue(char: string, done: (value: Draft<JsonValue>) => void): Expect | undefined {
    const frame = this.#frames.at(-1)!;
    const isList = frame.list !== undefined;
    if (char === ',') {
      this.#at++;
      if (isList) frame.step = `[${frame.list.length}]`;
      return isList ? 'value' : 'key';
    }
    if (char !== (isList ? ']' : '}')) throw this.#invalid(isList ? 'after array element' : 'after object key:value pair');
    this.#at++;
    this.#frames.pop();
    done(frame.list ?? frame.object);
    return undefined;
  }

  #beginValue(char: string, done: (value: Draft<JsonValue>) => void): Expect | undefined {
    if (char === '{' || char === '[') {
      if (this.#frames.length >= maxNesting) throw new JsonSyntaxError('exceeded max depth');
      this.#at++;
      this.#frames.push({ list: char === '[' ? [] : undefined, object: {}, step: char === '[' ? '[0]' : '', key: '' });
      return char === '[' ? 'value or ]' : 'key or }';
    }
    if (char === '"') done(this.#readString());
    else if (char === '-' || (char >= '0' && char <= '9')) done(this.#readNumber());
    else done(this.#readWord(char));
    return undefined;
  }

  #put(frame: Frame, value: Draft<JsonValue>): void {
    if (frame.list) frame.list.push(value);
    else setOwn(frame.object, frame.key, value);
  }

  #readKey(): void {
    const frame = this.#frames.at(-1)!;
    const key = this.#readString();
    frame.key = key;
    frame.step = `.${key}`;
    if (!Object.hasOwn(frame.object, key) || this.duplicates.size >= maxDuplicates) return;
    const path = this.#frames.map(({ step }) => step).join('');
    this.duplicates.add(path.startsWith('.') ? path.slice(1) : path);
  }

  #readString(): string {
    const end = endOfString(this.#text, this.#at);
    if (end >= this.#text.length) throw new JsonSyntaxError('unexpected end of JSON input');
    const raw = this.#text.slice(this.#at, end + 1);
    try {
      const text = JSON.parse(raw) as string;
      this.#at = end + 1;
      return text;
    } catch {
      throw faultInString(raw);
    }
  }

  #readNumber(): number | bigint {
    const match = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    match.lastIndex = this.#at;
    const literal = match.exec(this.#text)?.[0];
    if (literal === undefined) {
      this.#at++;
      if (this.#at >= this.#text.length) throw new JsonSyntaxError('unexpected end of JSON input');
      throw this.#invalid('in numeric literal');
    }
    this.#at += literal.length;
    const next = this.#text[this.#at];
    if (next === '.') {
      this.#at++;
      throw this.#text[this.#at] === undefined
        ? new JsonSyntaxError('unexpected end of JSON input')
        : this.#invalid('after decimal point in numeric literal');
    }
    const value = Number(literal);
    // What is longer than the longest int64 is beyond it, and a megabyte of digits would be long in the making.
    if (Number.isSafeInteger(value) || literal.length > 20 || /[.eE]/.test(literal)) return value;
    const exact = BigInt(literal);
    // Beyond int64 an integer is read as a float, as upstream does.
    return exact >= -(2n ** 63n) && exact < 2n ** 63n ? exact : value;
  }

  #readWord(char: string): boolean | null {
    const word = { t: 'true', f: 'false', n: 'null' }[char];
    if (word === undefined) throw this.#invalid('looking for beginning of value');
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      const found = this.#text[this.#at];
      if (found === undefined) throw new JsonSyntaxError('unexpected end of JSON input');
      if (found !== word[i]) throw this.#invalid(`in literal ${word} (expecting ${quoteChar(word[i]!)})`);
    }
    this.#at++;
    return word === 'null' ? null : word === 'true';
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at++;
    }
  }

  #invalid(where: string): JsonSyntaxError {
    return new JsonSyntaxError(`invalid character ${quoteChar(this.#text[this.#at]!)} ${where}`);
  }
}

/** A character as Go quotes it in messages. */
function quoteChar(char: string): string {
  if (char === "'") return String.raw`'\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}

function faultInString(raw: string): JsonSyntaxError {
  const control = raw.split('').findIndex((char) => char < ' ');
  const badEscape = /\\(?:u[0-9a-fA-F]{0,3}([^0-9a-fA-F])|([^"\\/bfnrtu]))/.exec(raw.replaceAll(String.raw`\\`, '  '));
  if (badEscape && (control < 0 || badEscape.index < control)) {
    const [, afterU, after] = badEscape;
    if (afterU !== undefined) return new JsonSyntaxError(`invalid character ${quoteChar(afterU)} in \\u hexadecimal character escape`);
    return new JsonSyntaxError(`invalid character ${quoteChar(after!)} in string escape code`);
  }
  return new JsonSyntaxError(`invalid character ${quoteChar(raw[control] ?? '"')} in string literal`);
}
