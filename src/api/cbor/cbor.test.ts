import { describe, expect, test } from 'vitest';
import { CborError, decodeCbor, encodeCbor } from './index.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('what JSON can say', () => {
  test.each<[string, unknown]>([
    ['an object', { kind: 'Pod', metadata: { name: 'a', labels: { __proto_: 'x', 'ä…😀': '' } }, list: [1, -1, 0.5, true, null, [], {}] }],
    ['numbers of 64 bits', { large: 9_007_199_254_740_993n, small: -9_223_372_036_854_775_808n }],
    ['lists in lists', { deep: JSON.parse('['.repeat(60) + ']'.repeat(60)) as unknown }],
  ])('%s', (_what, value) => {
    const encoded = encodeCbor(value);
    expect(Buffer.from(encoded.subarray(0, 3)).toString('hex')).toBe('d9d9f7');
    expect(decodeCbor(encoded)).toEqual(value);
  });

  test('what is undefined is left out', () => {
    expect(decodeCbor(encodeCbor({ a: undefined, b: 1 }))).toEqual({ b: 1 });
  });
});

describe('what others write', () => {
  test.each([
    ['names and texts as bytes', 'a1 41 61 43 616263', { a: 'abc' }],
    ['bytes that are to be base64', 'a1 61 61 d6 43 010203', { a: 'AQID' }],
    ['bytes that are to be base64 for addresses', 'a1 61 61 d5 42 fbff', { a: '-_8' }],
    ['bytes that are to be hexadecimal', 'a1 61 61 d7 42 fb0f', { a: 'fb0f' }],
    ['lists and maps without a length', 'bf 61 61 9f 01 02 ff 61 62 bf ff ff', { a: [1, 2], b: {} }],
    ['a time as text', 'a1 61 61 c0 74 323031332d30332d32315432303a30343a30305a', { a: '2013-03-21T20:04:00Z' }],
    ['a time as a number', 'a1 61 61 c1 1a 514b67b0', { a: '2013-03-21T20:04:00.000Z' }],
    ['a tag that nobody knows', 'a1 61 61 d9 0400 01', { a: 1 }],
    ['a half-precision number', 'a1 61 61 f9 3e00', { a: 1.5 }],
    ['no mark around it', 'a0', {}],
  ])('%s', (_what, hex, value) => {
    expect(decodeCbor(bytes(hex))).toEqual(value);
  });
});

describe('refused', () => {
  test.each([
    ['nothing', ''],
    ['a document that ends in the middle', 'a1 61 61'],
    ['more than one document', 'a0 a0'],
    ['a key said twice', 'a2 61 61 01 61 61 02'],
    ['a key said twice, once as bytes', 'a2 61 61 01 41 61 02'],
    ['undefined', 'a1 61 61 f7'],
    ['a simple value', 'a1 61 61 e0'],
    ['not a number', 'a1 61 61 f9 7e00'],
    ['infinity', 'a1 61 61 f9 7c00'],
    ['a number beyond 64 bits', 'a1 61 61 1b ffffffffffffffff'],
    ['a big number', 'a1 61 61 c2 49 010000000000000000'],
    ['a key that is no text', 'a1 01 02'],
    ['a break without a beginning', 'ff'],
    ['a break in a list with a length', '82 01 ff'],
    ['a list that says it is long', '9b 00000000ffffffff'],
    ['a text that says it is long', '7b 0000000fffffffff'],
    ['lists in lists', '81'.repeat(65) + '01'],
    ['lists in lists without end', '81'.repeat(100_000)],
    ['tags without end', 'c6'.repeat(100_000)],
    ['maps in maps without a length', 'bf6161'.repeat(100)],
  ])('%s', (_what, hex) => {
    expect(() => decodeCbor(bytes(hex))).toThrow(CborError);
  });

  test('long lists and maps', () => {
    expect(() => decodeCbor(encodeCbor({ a: Array.from({ length: 1025 }, () => 1) }))).toThrow(/max number of elements 1024/);
    expect(decodeCbor(encodeCbor({ a: Array.from({ length: 1024 }, () => 1) }))).toHaveProperty('a');
  });

  test('whatever is thrown at it, only ever as its own error', () => {
    let state = 1;
    const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const start = encodeCbor({ kind: 'Pod', metadata: { name: 'a' }, list: [1, 2.5, null, { b: 'x'.repeat(50) }] });
    for (let i = 0; i < 20_000; i++) {
      const garbage = Uint8Array.from(start);
      for (let n = 0; n <= random(4); n++) garbage[random(garbage.length)] = random(256);
      try {
        decodeCbor(garbage.subarray(0, 1 + random(garbage.length)));
      } catch (error) {
        expect(error).toBeInstanceOf(CborError);
      }
    }
  });
});
