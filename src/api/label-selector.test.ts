import { describe, expect, test } from 'vitest';
import {
  formatLabels,
  formatLabelSelector,
  labelSelectorMatcher,
  labelsMatcher,
  matchEverything,
  matchNothing,
  SelectorError,
  toLabelSelector,
} from './label-selector.ts';
import { parseLabelSelector } from './label-selector-parser.ts';

describe('the text form', () => {
  test.each([
    ['', ''],
    ['a', 'a'],
    ['!a', '!a'],
    ['a=b', 'a=b'],
    ['a==b', 'a==b'],
    ['a!=b', 'a!=b'],
    ['a=', 'a='],
    ['a= ,b=c', 'a=,b=c'],
    ['x in (b,a)', 'x in (a,b)'],
    ['x notin (a)', 'x notin (a)'],
    ['x in (a,)', 'x in (,a)'],
    ['x in (,a)', 'x in (,a)'],
    ['x in (a,,b)', 'x in (,a,b)'],
    ['  b , a ', 'a,b'],
    ['in in (in)', 'in in (in)'],
    ['a notin ()', 'a notin ()'],
    ['a in (,,x)', 'a in (,x)'],
    ['in=notin', 'in=notin'],
    ['x>1,x<5', 'x>1,x<5'],
    ['kubernetes.io/os=linux', 'kubernetes.io/os=linux'],
  ])('%s is read and written as %s', (text, expected) => expect(parseLabelSelector(text).toString()).toBe(expected));

  test.each([
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    [
      'x>9223372036854775808',
      "unable to parse requirement: values[0]: Invalid value: \"9223372036854775808\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a==(b)', "unable to parse requirement: found '(', expected: identifier"],
    ['x>a', "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer"],
  ])('%s is refused', (text, message) => expect(() => parseLabelSelector(text)).toThrow(new SelectorError(message)));

  test('a key and a value that are none are named', () => {
    expect(() => parseLabelSelector('a/b/c=d')).toThrow(
      /^unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a valid label key must/,
    );
    expect(() => parseLabelSelector('a=b@c')).toThrow(
      /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "b@c": a valid label must/,
    );
  });
});

describe('matching', () => {
  const labels = { app: 'web', tier: 'front', n: '3' };
  test.each([
    ['', true],
    ['app', true],
    ['!app', false],
    ['missing', false],
    ['!missing', true],
    ['app=web', true],
    ['app=web,tier=back', false],
    ['app!=web', false],
    ['missing!=x', true],
    ['app in (web,db)', true],
    ['app notin (web)', false],
    ['missing notin (x)', true],
    ['missing in (x)', false],
    ['n>2', true],
    ['n>3', false],
    ['n<4', true],
    ['app>1', false],
    ['app in (a,b,c,d,e,web)', true],
    ['constructor', false],
  ])('%s', (text, expected) => expect(parseLabelSelector(text).matches(labels)).toBe(expected));

  test('an object without labels', () => {
    expect(parseLabelSelector('a').matches(undefined)).toBe(false);
    expect(parseLabelSelector('!a').matches(undefined)).toBe(true);
  });
});

describe('selector objects', () => {
  test('an expression without a key is a fault, not a crash: a kind may ask before its fields were validated', () => {
    const selector = { matchExpressions: [{ operator: 'Exists' }] } as unknown as Parameters<typeof labelSelectorMatcher>[0];
    expect(() => labelSelectorMatcher(selector)).toThrow('name part must be non-empty');
    expect(formatLabelSelector(selector)).toBe('<error>');
  });

  test('none selects nothing, an empty one everything', () => {
    expect(labelSelectorMatcher(undefined)).toBe(matchNothing);
    expect(labelSelectorMatcher(undefined).matches({ a: 'b' })).toBe(false);
    expect(labelSelectorMatcher({})).toBe(matchEverything);
    expect(labelSelectorMatcher({}).matches({})).toBe(true);
  });

  test('labels and expressions all hold', () => {
    const matcher = labelSelectorMatcher({
      matchLabels: { a: 'b' },
      matchExpressions: [
        { key: 'c', operator: 'In', values: ['d', 'e'] },
        { key: 'f', operator: 'DoesNotExist' },
      ],
    });
    expect(matcher.toString()).toBe('a=b,c in (d,e),!f');
    expect(matcher.matches({ a: 'b', c: 'e' })).toBe(true);
    expect(matcher.matches({ a: 'b', c: 'e', f: '' })).toBe(false);
    expect(matcher.requiredValue('a')).toBe('b');
    expect(matcher.requiredValue('c')).toBeUndefined();
  });

  test('the matcher of an object is remembered', () => {
    const selector = { matchLabels: { a: 'b' } };
    expect(labelSelectorMatcher(selector)).toBe(labelSelectorMatcher(selector));
  });

  test('an operator that is none', () => {
    expect(() => labelSelectorMatcher({ matchExpressions: [{ key: 'a', operator: 'Near' }] })).toThrow(
      new SelectorError('"Near" is not a valid label selector operator'),
    );
    expect(() => labelSelectorMatcher({ matchExpressions: [{ key: 'a', operator: 'In' }] })).toThrow(
      new SelectorError("values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"),
    );
    expect(formatLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Near' }] })).toBe('<error>');
  });

  test('both directions agree', () => {
    expect(toLabelSelector(parseLabelSelector('a=b,c in (d),e,!f,g!=h'))).toEqual({
      matchLabels: { a: 'b' },
      matchExpressions: [
        { key: 'c', operator: 'In', values: ['d'] },
        { key: 'e', operator: 'Exists' },
        { key: 'f', operator: 'DoesNotExist' },
        { key: 'g', operator: 'NotIn', values: ['h'] },
      ],
    });
    expect(toLabelSelector(parseLabelSelector('a>1'))).toBeUndefined();
  });

  test('as tables show them', () => {
    expect(formatLabelSelector({})).toBe('<none>');
    expect(formatLabelSelector({ matchLabels: { b: '1', a: '2' } })).toBe('a=2,b=1');
    expect(formatLabels({ b: '1', a: '2' })).toBe('a=2,b=1');
    expect(formatLabels(undefined)).toBe('<none>');
    expect(labelsMatcher({ a: 'b' }).matches({ a: 'b', c: 'd' })).toBe(true);
  });
});
