import { expect, test } from 'vitest';
import { parseAddressPool } from '../../api/index.ts';
import type { Link } from '../fabric/kernel.ts';
import { planAnnouncement } from './address-plan.ts';

const pool = parseAddressPool('10.0.0.240-10.0.0.250,fd00::f0-fd00::ff');

function link(...addresses: readonly string[]): Link {
  const split = addresses.map((text) => text.split('/'));
  return {
    name: 'eth0',
    mtu: 1500,
    up: true,
    mac: '02:00:0a:00:00:0b',
    addresses: split.map(([address = '', length]) => ({ address, prefixLength: Number(length) })),
  };
}

const plan = (has: Link, ...wanted: string[]): string[] => [...planAnnouncement(has, wanted, pool).lines];

test('an address that is taken is put on the interface, and neighbours are told', () => {
  expect(plan(link('10.0.0.11/24', '10.0.0.241/32'), '10.0.0.240', '10.0.0.241', 'fd00::f0')).toEqual([
    'addr add 10.0.0.240/32 dev eth0',
    'addr add fd00::f0/128 dev eth0 nodad preferred_lft 0',
    'link set dev eth0 address 02:00:0a:00:00:0b',
  ]);
});

test('one that is lost goes, also one of an earlier life; nobody has to be told', () => {
  expect(plan(link('10.0.0.11/24', '10.0.0.240/32', 'fd00::f0/128'), '10.0.0.240')).toEqual(['addr del fd00::f0/128 dev eth0']);
});

test('the node own addresses and those of others stay, and what is right is left alone', () => {
  expect(plan(link('10.0.0.11/24', '10.0.0.245/24', '192.0.2.1/32', 'fe80::1/64'))).toEqual([]);
  expect(plan(link('10.0.0.11/24', '10.0.0.240/32'), '10.0.0.240')).toEqual([]);
});
