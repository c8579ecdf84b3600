import { expect, test } from 'vitest';
import { translatesIpv6 } from './ipv6-forward.ts';

const masquerading = (table: string): string => `table ${table} {\n\tchain postrouting {\n\t\toifname "eth0" masquerade\n\t}\n}\n`;

test.each([
  ['a table of IPv6 that translates', masquerading('ip6 docker'), true],
  ['a table of both families that translates', masquerading('inet office'), true],
  ['a table of IPv4 that translates', masquerading('ip docker'), false],
  ['a table of IPv6 that only filters, beside one of IPv4', `${masquerading('ip nat')}table ip6 filter {\n}\n`, false],
  ['no table', '', false],
])('whether somebody else needs forwarding: %s', (_name, ruleset, needed) => {
  expect(translatesIpv6(ruleset)).toBe(needed);
});
