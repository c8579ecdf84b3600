import { describe, expect, it } from 'vitest';
import { CidrSet } from './cidr-set.ts';

const next = (set: CidrSet): string | undefined => set.allocate()?.cidr;

describe('a set of ranges', () => {
  it('gives each once, in order, and a freed one only when the others are gone', () => {
    const set = new CidrSet('10.244.0.0/22', 24);
    expect([next(set), next(set)]).toEqual(['10.244.0.0/24', '10.244.1.0/24']);
    set.release('10.244.0.0/24');
    expect([next(set), next(set), next(set), next(set)]).toEqual(['10.244.2.0/24', '10.244.3.0/24', '10.244.0.0/24', undefined]);
  });

  it('leaves out what is taken, and does not know what is not its own', () => {
    const set = new CidrSet('10.244.7.9/23', 24);
    expect(set.occupy('10.244.6.0/24')).toBe(1);
    expect([set.occupy('10.0.0.0/24'), set.occupy('fd00::/64'), set.occupy('nonsense')]).toEqual([undefined, undefined, undefined]);
    expect([next(set), next(set)]).toEqual(['10.244.7.0/24', undefined]);
  });

  it.each([
    ['10.96.0.0/23', 2, '10.96.2.0/24'],
    ['10.96.0.0/12', 4, undefined],
    ['10.96.1.128/25', 1, '10.96.0.0/24'],
    ['10.95.0.0/16', undefined, '10.96.0.0/24'],
    ['10.96.4.0/24', undefined, '10.96.0.0/24'],
  ])('takes all that %s covers', (services, taken, first) => {
    const set = new CidrSet('10.96.0.0/22', 24);
    expect(set.occupy(services)).toBe(taken);
    expect(set.occupy(services)).toBe(taken === undefined ? undefined : 0);
    expect(next(set)).toBe(first);
  });

  it('tells how full it is, and how far it had to look', () => {
    const set = new CidrSet('10.0.0.0/22', 24);
    set.occupy('10.0.0.0/23');
    expect(set.allocate()).toEqual({ cidr: '10.0.2.0/24', tries: 2 });
    expect(set.usage).toEqual({ taken: 3, all: 4 });
    expect([set.release('10.0.2.0/24'), set.release('10.0.2.0/24')]).toEqual([1, 0]);
    expect(set.usage.taken).toBe(2);
  });

  it('works for IPv6', () => {
    const set = new CidrSet('fd00:10:244::/56', 64);
    expect([next(set), next(set)]).toEqual(['fd00:10:244::/64', 'fd00:10:244:1::/64']);
  });

  it('refuses a range that is smaller than one node’s', () => {
    expect(() => new CidrSet('10.0.0.0/25', 24)).toThrow('larger than');
    expect(() => new CidrSet('x', 24)).toThrow('not an address range');
  });
});
