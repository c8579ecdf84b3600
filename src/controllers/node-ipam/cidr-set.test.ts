import { describe, expect, it } from 'vitest';
import { CidrSet } from './cidr-set.ts';

describe('a set of ranges', () => {
  it('gives each once, in order, and a freed one only when the others are gone', () => {
    const set = new CidrSet('10.244.0.0/22', 24);
    expect([set.allocate(), set.allocate()]).toEqual(['10.244.0.0/24', '10.244.1.0/24']);
    set.release('10.244.0.0/24');
    expect([set.allocate(), set.allocate(), set.allocate(), set.allocate()]).toEqual([
      '10.244.2.0/24',
      '10.244.3.0/24',
      '10.244.0.0/24',
      undefined,
    ]);
  });

  it('leaves out what is taken, and does not know what is not its own', () => {
    const set = new CidrSet('10.244.7.9/23', 24);
    expect(set.occupy('10.244.6.0/24')).toBe(true);
    expect([set.occupy('10.0.0.0/24'), set.occupy('fd00::/64'), set.occupy('nonsense')]).toEqual([false, false, false]);
    expect([set.allocate(), set.allocate()]).toEqual(['10.244.7.0/24', undefined]);
  });

  it('works for IPv6', () => {
    const set = new CidrSet('fd00:10:244::/56', 64);
    expect([set.allocate(), set.allocate()]).toEqual(['fd00:10:244::/64', 'fd00:10:244:1::/64']);
  });

  it('refuses a range that is smaller than one node’s', () => {
    expect(() => new CidrSet('10.0.0.0/25', 24)).toThrow('larger than');
    expect(() => new CidrSet('x', 24)).toThrow('not an address range');
  });
});
