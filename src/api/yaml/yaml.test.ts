import { describe, expect, test } from 'vitest';
import { parseYaml, parseYamlDocuments, YamlSyntaxError } from './yaml.ts';

describe('scalars are read as kubectl reads them', () => {
  test.each([
    ['on', true],
    ['y', true],
    ['No', false],
    ['off', false],
    ['"on"', 'on'],
    ['0o17', 15],
    ['017', 15],
    ['08', 8],
    ['0b11', 3],
    ['0x1F', 31],
    ['1_000', 1000],
    ['+5', 5],
    ['-5', -5],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.', 1],
    ['12:30:45', '12:30:45'],
    ['2020-01-01', '2020-01-01'],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['~', null],
    ['', null],
    ['Null', null],
    ['1.2.3', '1.2.3'],
    ['100m', '100m'],
    ['!!str 1', '1'],
    ['!!binary aGk=', 'hi'],
  ])('%s', (text, value) => {
    expect(parseYaml(`a: ${text}`).value).toEqual({ a: value });
  });
});

test('keys are text', () => {
  expect(parseYaml('n: 1\n1: 2\nyes: 3').value).toEqual({ false: 1, 1: 2, true: 3 });
});

test('JSON is YAML', () => {
  expect(parseYaml('{"a": [1, {"b": null}]}').value).toEqual({ a: [1, { b: null }] });
});

test('anchors, aliases and merge keys are written out', () => {
  expect(parseYaml('a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  b: 2').value).toEqual({ a: { b: 1 }, c: { b: 1 }, d: { b: 2 } });
});

test('a key that is said twice is told with its line, and the last one counts', () => {
  expect(parseYaml('a: 1\nb:\n  c: 1\n  c: 2\n')).toEqual({
    value: { a: 1, b: { c: 2 } },
    strictErrors: ['yaml: unmarshal errors:\n  line 4: key "c" already set in map'],
  });
});

test.each([
  ['a: 1\n---\nb: 2', { a: 1 }],
  ['# first\n%YAML 1.1\n---\na: 1\n...\nb: [', { a: 1 }],
  ['---\n---\na: 1', null],
  ['a: |\n  x\n--- y', { a: 'x\n' }],
  ['a: ---\n', { a: '---' }],
])('of %j only the first document is read', (text, value) => expect(parseYaml(text).value).toEqual(value));

test('what no number can hold, and what has a tag of its own, is text', () => {
  expect(parseYaml(`a: 1e400\nb: ${'9'.repeat(400)}\nc: !foo x`).value).toEqual({ a: '1e400', b: '9'.repeat(400), c: 'x' });
});

test('documents of a stream, without the empty ones', () => {
  expect(parseYamlDocuments('---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n')).toEqual([{ a: 1 }, { b: 2 }]);
});

describe('what is no YAML, or has no JSON form, is refused', () => {
  test.each([['a: ['], ['a: b: c'], ['a:\n\tb: 1'], ['? [a]\n: 1'], ['~: 1'], ['a: .inf'], ['a: .nan']])('%j', (text) => {
    expect(() => parseYaml(text)).toThrow(YamlSyntaxError);
  });

  test('aliases that write out to very much', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(', ')}]`);
    expect(() => parseYaml(lines.join('\n'))).toThrow('excessive aliasing');
  });

  test('an alias that contains itself', () => {
    expect(() => parseYaml('a: &a [*a]')).toThrow(YamlSyntaxError);
  });
});
