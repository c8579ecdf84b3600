import { describe, expect, test } from 'vitest';
import {
  addressAt,
  cidrContains,
  cidrErrors,
  cidrSize,
  cidrWarnings,
  formatCidr,
  formatIp,
  ipErrors,
  ipFamilyOf,
  ipWarnings,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  parseCidr,
  parseIp,
} from './ip.ts';

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['001.02.3.004', '1.2.3.4'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8::1', '2001:db8::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
])('%s is the address %s', (text, expected) => expect(formatIp(parseIp(text)!)).toBe(expected));

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '0x7f.1',
  '1.2.3.4/8',
  '1::2::3',
  ':1',
  '1:',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7',
  'fe80::1%eth0',
  '12345::',
  '::1.2.3',
  'a',
])('%s is no address', (text) => {
  expect(parseIp(text)).toBeUndefined();
  expect(ipErrors('p', text)[0]?.message).toContain('must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
});

describe('ranges', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['fd00::5/64', 'fd00::/64'],
  ])('%s is the range %s', (text, expected) => expect(formatCidr(parseCidr(text)!)).toBe(expected));

  test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/a', '::/129', 'x/8', '10.0.0.0/-1'])('%s is none', (text) => {
    expect(parseCidr(text)).toBeUndefined();
    expect(cidrErrors('p', text)).toHaveLength(1);
  });

  test('what is inside', () => {
    const range = parseCidr('10.96.0.0/12')!;
    expect(cidrContains(range, parseIp('10.111.255.255')!)).toBe(true);
    expect(cidrContains(range, parseIp('10.112.0.0')!)).toBe(false);
    expect(cidrContains(range, parseIp('::')!)).toBe(false);
    expect(cidrSize(range)).toBe(1n << 20n);
    expect(formatIp(addressAt(range, 10n))).toBe('10.96.0.10');
  });
});

test('addresses that mean something on one machine or link only', () => {
  expect(isLoopback(parseIp('127.1.2.3')!)).toBe(true);
  expect(isLoopback(parseIp('::1')!)).toBe(true);
  expect(isLinkLocalUnicast(parseIp('169.254.169.254')!)).toBe(true);
  expect(isLinkLocalUnicast(parseIp('fe80::1')!)).toBe(true);
  expect(isLinkLocalUnicast(parseIp('fec0::1')!)).toBe(false);
  expect(isLinkLocalMulticast(parseIp('224.0.0.251')!)).toBe(true);
  expect(isLinkLocalMulticast(parseIp('ff02::1')!)).toBe(true);
  expect(ipFamilyOf('::ffff:1.2.3.4')).toBe('IPv4');
});

test('warnings about texts that are accepted', () => {
  expect(ipWarnings('spec.x', '1.2.3.4')).toEqual([]);
  expect(ipWarnings('spec.x', '01.2.3.4')).toEqual([
    'spec.x: non-standard IP address "01.2.3.4" will be considered invalid in a future Kubernetes release: use "1.2.3.4"',
  ]);
  expect(ipWarnings('spec.x', '2001:DB8::1')).toEqual([
    'spec.x: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
  ]);
  expect(cidrWarnings('spec.x', '10.0.0.0/8')).toEqual([]);
  expect(cidrWarnings('spec.x', '10.0.0.1/8')).toEqual([
    'spec.x: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
  ]);
  expect(cidrWarnings('spec.x', '10.0.0.0/08')).toEqual([
    'spec.x: non-standard CIDR value "10.0.0.0/08" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8"',
  ]);
  expect(cidrWarnings('spec.x', 'FD00::/64')).toEqual([
    'spec.x: IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")',
  ]);
});
