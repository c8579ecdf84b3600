import { describe, expect, it } from 'vitest';
import { Indexes } from './indexes.ts';

describe('indexes as text', () => {
  it.each<[string, number, string, number]>([
    ['', 5, '', 0],
    ['0', 5, '0', 1],
    ['0,1', 5, '0,1', 2],
    ['0-2', 5, '0-2', 3],
    ['0,1,2', 5, '0-2', 3],
    ['1,3-5,7', 10, '1,3-5,7', 5],
    ['1,3-5,7', 5, '1,3,4', 3],
    ['0-999999', 1_000_000, '0-999999', 1_000_000],
    ['3-1', 5, '', 0],
    ['1,x,3', 5, '1,3', 2],
    ['-1', 5, '', 0],
    ['6-9', 5, '', 0],
  ])('%j below %i is %j: %i', (text, completions, formatted, total) => {
    const indexes = Indexes.parse(text, completions);
    expect([indexes.toString(), indexes.total]).toEqual([formatted, total]);
  });
});

describe('sets of indexes', () => {
  const of = (text: string): Indexes => Indexes.parse(text, 1_000);

  it.each<[string, string, string]>([
    ['', '', ''],
    ['1', '', '1'],
    ['', '1', '1'],
    ['0-2', '3', '0-3'],
    ['0-2,8', '1-9', '0-9'],
    ['5', '1,3', '1,3,5'],
    ['1-3', '5-7', '1-3,5-7'],
  ])('%j and %j together are %j', (a, b, both) => {
    expect(of(a).union(of(b)).toString()).toBe(both);
  });

  it.each<[string, string, number]>([
    ['0-9', '2-3,8-12', 4],
    ['0-9', '10-12', 0],
    ['1,3,5', '0-9', 3],
    ['', '0-9', 0],
    ['0-4,6-9', '4-6', 2],
  ])('%j and %j have %i in common', (a, b, count) => {
    expect([of(a).overlap(of(b)), of(b).overlap(of(a))]).toEqual([count, count]);
  });

  it.each<[string, number, number, number[]]>([
    ['', 3, 5, [0, 1, 2]],
    ['0-2', 3, 5, [3, 4]],
    ['1,3', 9, 5, [0, 2, 4]],
    ['0-4', 1, 5, []],
    ['2', 0, 5, []],
    ['0,7-8', 2, 3, [1, 2]],
  ])('what %j lacks, %i of %i, is %j', (text, count, completions, gaps) => {
    expect(of(text).gaps(count, completions)).toEqual(gaps);
  });

  it('knows what is in it', () => {
    const indexes = of('1,3-5,9');
    expect([0, 1, 2, 3, 4, 5, 6, 9, 10].filter((index) => indexes.has(index))).toEqual([1, 3, 4, 5, 9]);
  });
});
