import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CarefulReader, JsonSyntaxError } from './careful-reader.ts';
import { parseJson } from './parse.ts';
import { stringifyJson } from './stringify.ts';
import { bytesOf } from './text-codec.ts';

describe('a field that is said twice is named with its path, and the last one counts', () => {
  test.each([
    ['{"a":1,"a":2}', { a: 2 }, ['a']],
    ['{"spec":{"c":[{"x":1},{"x":1,"x":2}]}}', { spec: { c: [{ x: 1 }, { x: 2 }] } }, ['spec.c[1].x']],
    ['{"a":{"a":1},"b":{"a":1}}', { a: { a: 1 }, b: { a: 1 } }, []],
    [String.raw`{"a":1,"\u0061":2}`, { a: 2 }, ['a']],
    ['[{"a":1,"a":2}]', [{ a: 2 }], ['[0].a']],
  ])('%s', (text, value, paths) => {
    expect(parseJson(text)).toEqual({ value, strictErrors: paths.map((path) => `duplicate field "${path}"`) });
  });
});

describe('integers are exact within int64', () => {
  test.each([
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9223372036854775808', -9_223_372_036_854_775_808n],
    ['9223372036854775808', 9_223_372_036_854_775_808],
    ['1234567890123456.5', 1_234_567_890_123_456.5],
    ['"9007199254740993"', '9007199254740993'],
    ['1e3', 1000],
  ])('%s', (text, value) => {
    expect(parseJson(text).value).toBe(value);
  });

  test('and are written as they were read', () => {
    const text = '{"a":[9007199254740993,1],"b":"x"}';
    expect(stringifyJson(parseJson(text).value)).toBe(text);
  });
});

describe('syntax errors are worded as Go words them', () => {
  test.each([
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['nul', 'unexpected end of JSON input'],
    ['-', 'unexpected end of JSON input'],
    ['{"a"}', "invalid character '}' after object key"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['[1 2]', "invalid character '2' after array element"],
    ['hello', "invalid character 'h' looking for beginning of value"],
    ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
    ['{}x', "invalid character 'x' after top-level value"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    [String.raw`"\x"`, "invalid character 'x' in string escape code"],
    ['"a\nb"', String.raw`invalid character '\n' in string literal`],
    ["'a'", String.raw`invalid character '\'' looking for beginning of value`],
  ])('%s', (text, message) => {
    expect(() => parseJson(text)).toThrow(new JsonSyntaxError(message));
  });
});

test('a megabyte of digits is a float like any other that is too long', () => {
  expect(parseJson('1'.repeat(1_000_000)).value).toBe(Infinity);
  expect(parseJson(`-${'1'.repeat(21)}`).value).toBe(Number(`-${'1'.repeat(21)}`));
  expect(parseJson('-9223372036854775808').value).toBe(-(2n ** 63n));
});

test('nesting is read to two thousand levels and refused beyond', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  expect(parseJson(nested(2_000)).strictErrors).toEqual([]);
  expect(() => parseJson(nested(2_001))).toThrow('exceeded max depth');
  expect(() => parseJson('{"a":'.repeat(2_001))).toThrow('exceeded max depth');
});

test('a byte order mark is no JSON', () => {
  expect(() => parseJson(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))).toThrow('looking for beginning of value');
});

test('a key __proto__ is a key', () => {
  const { value, strictErrors } = parseJson('{"__proto__":{"a":1},"__proto__":2}');
  expect(strictErrors).toEqual(['duplicate field "__proto__"']);
  expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toBe(2);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test('any JSON is read as JSON.parse reads it, by bytes, by text, and by the careful reader', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.boolean(), (value, spaced) => {
      const text = JSON.stringify(value, null, spaced ? 2 : 0);
      const expected: unknown = JSON.parse(text);
      const read = parseJson(bytesOf(text));
      expect(read.strictErrors).toEqual([]);
      // Integers that JSON.parse rounds are exact here; written out and read again they are the same.
      expect(JSON.parse(stringifyJson(read.value))).toEqual(expected);
      // A long number beside it sends the whole text to the careful reader.
      expect(JSON.parse(stringifyJson(parseJson(`[9007199254740993,${text}]`).value))).toEqual([JSON.parse('9007199254740993'), expected]);
    }),
  );
});

test('text is JSON for both readers or for neither', () => {
  const noise = fc.string({
    unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', '0', '-', '.', 'e', 't', 'null', 'true', ' ', '\\', 'a'),
  });
  fc.assert(
    fc.property(noise, (text) => {
      const plain = outcome(() => JSON.parse(text) as unknown);
      expect(outcome(() => new CarefulReader(text).read())).toEqual(plain);
    }),
    { numRuns: 500 },
  );
});

function outcome(read: () => unknown): { readonly value: unknown } | 'no JSON' {
  try {
    return { value: read() };
  } catch {
    return 'no JSON';
  }
}
