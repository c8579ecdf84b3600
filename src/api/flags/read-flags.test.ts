import { describe, expect, test } from 'vitest';
import { readFlags, readFlagWords } from './read-flags.ts';
import { boolean, durationMs, integer, list } from './syntax.ts';

const table = { 'leader-elect': boolean, workers: integer, period: durationMs, controllers: list } as const;

function read(...words: string[]): unknown {
  const { given, faults } = readFlagWords(table, words);
  const { values, faults: more } = readFlags(table, given, {
    refusal: (name) => (name === 'etcd-servers' ? '--etcd-servers is not for you' : undefined),
    check: ({ workers }) => (workers !== undefined && workers < 1 ? ['--workers must be positive'] : []),
  });
  return faults.length + more.length > 0 ? [...faults, ...more] : values;
}

describe('the words of a command line', () => {
  test.each<[string, unknown]>([
    ['', {}],
    ['--workers=3', { workers: 3 }],
    ['--workers 3 --period 1m30s', { workers: 3, period: 90_000 }],
    ['--leader-elect', { 'leader-elect': true }],
    ['--leader-elect=false', { 'leader-elect': false }],
    ['--controllers=*,-job --controllers=cronjob', { controllers: ['*', '-job', 'cronjob'] }],
    ['--workers=3 --workers=4', { workers: 4 }],
    ['--leader-elect false', ['it does not take any arguments, got "false"']],
    ['--workers', ['flag needs an argument: --workers']],
    ['-w=3', ['bad flag syntax: -w=3']],
    ['--unknown=1 --etcd-servers=x', ['unknown flag: --unknown', '--etcd-servers is not for you']],
    ['--__proto__=1', ['unknown flag: --__proto__']],
    [
      '--workers=x --period=5',
      [
        'invalid argument "x" for "--workers" flag: strconv.ParseInt: parsing "x": invalid syntax',
        'invalid argument "5" for "--period" flag: time: missing unit in duration "5"',
      ],
    ],
    ['--workers=0', ['--workers must be positive']],
  ])('%s', (line, expected) => {
    expect(read(...line.split(' ').filter(Boolean))).toEqual(expected);
  });
});
