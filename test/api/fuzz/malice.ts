/** What nobody sends by accident: put into a tree, into a text or into bytes. */
import type { Dice } from './dice.ts';
import { setOwn } from './schema-values.ts';

const evilKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '$patch',
  '$retainKeys',
  '$setElementOrder/x',
  '$deleteFromPrimitiveList/x',
  '',
  'a\0b',
  '\ud800',
  'metadata',
  'f:x',
  '.',
  'a/b/c',
  '~1',
];
const evilTexts: readonly ((dice: Dice) => string)[] = [
  () => '\0',
  () => '\ud800',
  () => 'a\udc00b\uffff',
  () => '\u202e\u2028\u0085',
  (dice) => 'a'.repeat(1 << (4 + dice.below(14))),
  (dice) => `${'a-'.repeat(1 << dice.below(13))}!`,
  (dice) => 'a.'.repeat(1 << dice.below(13)),
  (dice) => `${'1'.repeat(1 << dice.below(14))}Gi`,
  (dice) => `${' '.repeat(1 << dice.below(14))}x`,
  (dice) => `1e${'9'.repeat(1 + dice.below(12))}`,
  (dice) => `-0.${'0'.repeat(1 << dice.below(12))}1`,
  (dice) => '$(A)'.repeat(1 << dice.below(11)),
  (dice) => `${':'.repeat(1 << dice.below(10))}1`,
  (dice) => '*/'.repeat(1 << dice.below(10)),
  () => '../../../../etc/passwd',
  () => '%00%2e%2e%2f',
  () => '${jndi:ldap://x}{{7*7}}',
  () => '2026-13-45T99:99:99Z',
  () => '+292277026596-12-31T23:59:59Z',
  () => '__proto__',
];
const evilNumbers = [2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 + 2, 2 ** 63, -(2 ** 63), 2 ** 64, 1e308, -1e308, 5e-324, 1.5, -0, 0.1];

export function evilValue(dice: Dice): unknown {
  return dice.weighed<() => unknown>([
    [4, () => dice.pick(evilTexts)(dice)],
    [3, () => dice.pick(evilNumbers)],
    [4, () => dice.pick<unknown>([null, '', 0, -1, true, [], {}, [null], [[]], { a: null }, [[[[[[]]]]]], [1, 'a', {}]])],
    [1, () => Array.from({ length: 1 << dice.below(11) }, () => dice.pick<unknown>([0, 'a', null, {}]))],
    [1, () => Object.fromEntries(Array.from({ length: 1 << dice.below(10) }, (_, i) => [`k${i}`, 'v']))],
    [1, () => keyed(dice)],
  ])();
}

function keyed(dice: Dice): object {
  const object = {};
  for (let times = 1 + dice.below(3); times > 0; times--)
    setOwn(object, dice.pick(evilKeys), dice.pick<unknown>([{}, 'x', { x: 'y' }, [], null, 1]));
  return object;
}

type Place = readonly [parent: object, key: string];

function placesOf(node: unknown): Place[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, inner]) => [[node, key] as const, ...placesOf(inner)]);
}

/** Changes a few places of a tree. */
export function spoilTree(tree: object, dice: Dice): void {
  for (let times = 1 + dice.below(2); times > 0; times--) {
    const places = placesOf(tree);
    if (places.length === 0) return;
    const [parent, key] = dice.pick(places);
    const value = (parent as Readonly<Record<string, unknown>>)[key];
    switch (dice.below(5)) {
      case 0:
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else delete (parent as Record<string, unknown>)[key];
        break;
      case 1:
        if (Array.isArray(parent)) parent.push(...Array.from({ length: 1 << dice.below(9) }, () => value));
        else setOwn(parent, dice.pick(evilKeys), evilValue(dice));
        break;
      case 2:
        // A part of the object where it does not belong.
        setOwn(parent, key, structuredClone(dice.pick(places)[0] as Readonly<Record<string, unknown>>));
        break;
      default:
        setOwn(parent, key, evilValue(dice));
    }
  }
}

const junk = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\ud800',
  '\\u0000',
  '\0',
  '9007199254740993',
  '1e999',
  '-',
  '01',
  '0x1',
  'NaN',
  '"a":1,"a":2,',
  '\ufeff',
  '\u00ff',
  '//',
  '\\x',
  'null',
  '/**/',
  "'",
];

/** What JSON or YAML cannot say, or should not. */
export function spoilText(text: string, dice: Dice): string {
  const at = dice.below(text.length + 1);
  switch (dice.below(7)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return nested(text, at, dice);
    case 2:
      return text.replace(/\d+/, '9'.repeat(1 << dice.below(14)));
    case 3:
      return text + text;
    default:
      return text.slice(0, at) + dice.pick(junk) + text.slice(at + dice.below(2));
  }
}

/** Brackets within brackets, where a value stands. */
function nested(text: string, at: number, dice: Dice): string {
  const depth = 1 << dice.below(16);
  const value = text.indexOf(':', at) + 1;
  const [open, close] = dice.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const);
  const bomb = `${open.repeat(depth)}1${dice.chance(0.7) ? close.repeat(depth) : ''}`;
  return `${text.slice(0, value)}${bomb}${value === 0 ? '' : `,"z":${text.slice(value)}`}`;
}

/** Any bytes: truncated, flipped, grown. */
export function spoilBytes(bytes: Buffer, dice: Dice): Buffer {
  const spoilt = Buffer.from(bytes);
  const at = dice.below(spoilt.length + 1);
  switch (dice.below(5)) {
    case 0:
      return spoilt.subarray(0, at);
    case 1:
      return Buffer.concat([
        spoilt.subarray(0, at),
        Buffer.from(Array.from({ length: 1 + dice.below(12) }, () => dice.below(256))),
        spoilt.subarray(at),
      ]);
    case 2:
      // Lengths and counts without end.
      return Buffer.concat([spoilt.subarray(0, at), Buffer.alloc(1 + dice.below(12), 0xff), spoilt.subarray(at)]);
    default:
      for (let times = 1 + dice.below(4); times > 0 && spoilt.length > 0; times--) spoilt[dice.below(spoilt.length)] = dice.below(256);
      return spoilt;
  }
}
