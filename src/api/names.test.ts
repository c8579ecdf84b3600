import { describe, expect, test } from 'vitest';
import {
  configMapKeyErrors,
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  envVarNameErrors,
  labelValueErrors,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  pathSegmentErrors,
  percentErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
  wildcardDns1123SubdomainErrors,
} from './names.ts';

type Rule = (value: string) => string[];

function valid(rule: Rule, values: readonly string[]): void {
  expect(values.filter((value) => rule(value).length > 0)).toEqual([]);
}

function invalid(rule: Rule, values: readonly string[]): void {
  expect(values.filter((value) => rule(value).length === 0)).toEqual([]);
}

describe('DNS labels', () => {
  test('valid ones', () => valid(dns1123LabelErrors, ['a', 'ab', '1a', 'a-b', 'a--b', '0', 'a'.repeat(63)]));
  test('invalid ones', () => invalid(dns1123LabelErrors, ['', 'A', 'a.', '-a', 'a-', 'a_b', 'a b', 'a'.repeat(64), 'ä']));
  test('the messages are upstream’s', () => {
    expect(dns1123LabelErrors('A b')).toEqual([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
    expect(dns1123LabelErrors('a.b')).toEqual(['must not contain dots']);
    expect(dns1123LabelErrors('a'.repeat(64))).toEqual(['must be no more than 63 characters']);
  });
});

describe('DNS subdomains', () => {
  test('valid ones', () => valid(dns1123SubdomainErrors, ['a', 'a.b.c', '0.0', 'a-b.c-d']));
  test('invalid ones', () => invalid(dns1123SubdomainErrors, ['', '.a', 'a.', 'a..b', 'A.b', 'a_b', 'a'.repeat(254)]));
  test('the message is upstream’s', () => {
    expect(dns1123SubdomainErrors('Web')).toEqual([
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ]);
  });
  test('a wildcard stands first and alone', () => {
    valid(wildcardDns1123SubdomainErrors, ['*.example.com']);
    invalid(wildcardDns1123SubdomainErrors, ['*', '*.*.a', 'a.*.b', '*a.b']);
  });
});

test('a Service name begins with a letter', () => {
  valid(dns1035LabelErrors, ['a', 'a1', 'my-name']);
  expect(dns1035LabelErrors('1a')).toEqual([
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  ]);
});

describe('qualified names', () => {
  test('valid ones', () =>
    valid(qualifiedNameErrors, ['simple', '1.2.3.4', 'a/b', 'x-y.z/A_b', 'kubernetes.io/name', `${'a'.repeat(253)}/b`]));
  test('invalid ones', () => invalid(qualifiedNameErrors, ['', '/', 'a/', '/b', 'a/b/c', 'A/b', 'a b', '-a', 'a'.repeat(64), 'not_dns/b']));
  test('each part is named in the message', () => {
    expect(qualifiedNameErrors('/b')).toEqual(['prefix part must be non-empty']);
    expect(qualifiedNameErrors('a'.repeat(64))).toEqual(['name part must be no more than 63 bytes']);
    expect(qualifiedNameErrors(`${'a'.repeat(254)}/b`)).toEqual(['prefix part must be no more than 253 bytes']);
    expect(qualifiedNameErrors('a/')[0]).toBe('name part must be non-empty');
    expect(qualifiedNameErrors('a/b/c')[0]).toMatch(
      /^a valid label key must consist of .* with an optional DNS subdomain prefix and '\/' \(e\.g\. 'example\.com\/MyName'\)$/,
    );
    expect(qualifiedNameErrors('A/b')[0]).toMatch(/^prefix part a lowercase RFC 1123 subdomain/);
  });
});

test('lengths are told in bytes', () => {
  expect(labelValueErrors('é'.repeat(32))[0]).toBe('must be no more than 63 bytes');
  expect(labelValueErrors('\u{1f600}'.repeat(15))[0]).not.toBe('must be no more than 63 bytes');
});

test('label values may be empty', () => {
  valid(labelValueErrors, ['', 'a', 'A_b.c-1']);
  invalid(labelValueErrors, ['-', 'a ', 'a/b', 'a'.repeat(64)]);
});

test('port names', () => {
  valid(portNameErrors, ['http', 'a1', '8a-8']);
  expect(portNameErrors('waytoolongportname')).toEqual(['must be no more than 15 characters']);
  expect(portNameErrors('80')).toEqual(['must contain at least one letter (a-z)']);
  expect(portNameErrors('a--b')).toEqual(['must not contain consecutive hyphens']);
  expect(portNameErrors('-a')).toEqual(['must not begin or end with a hyphen']);
  expect(portNameErrors('A')).toContain('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
});

test('port numbers', () => {
  expect(portNumberErrors(1)).toEqual([]);
  expect(portNumberErrors(0)).toEqual(['must be between 1 and 65535, inclusive']);
  expect(portNumberErrors(65_536)).toEqual(['must be between 1 and 65535, inclusive']);
});

test('names of environment variables and keys', () => {
  valid(envVarNameErrors, ['A', 'a.b', '1', 'a b', '-']);
  invalid(envVarNameErrors, ['', 'a=b', 'ä', 'a\n']);
  valid(configMapKeyErrors, ['a', '.a', 'a.b_c-D']);
  expect(configMapKeyErrors('..')).toEqual([`must not be '..'`]);
  expect(configMapKeyErrors('..a')).toEqual([`must not start with '..'`]);
  invalid(configMapKeyErrors, ['', 'a/b', '.', 'a'.repeat(254)]);
});

test('percentages', () => {
  valid(percentErrors, ['1%', '100%']);
  invalid(percentErrors, ['1', '%', '-1%', '1.5%']);
});

test('names that are one segment of a path', () => {
  expect(pathSegmentErrors('a:b')).toEqual([]);
  expect(pathSegmentErrors('..')).toEqual(["may not be '..'"]);
  expect(pathSegmentErrors('a/b%')).toEqual(["may not contain '/'", "may not contain '%'"]);
});

test('a prefix for generated names may end in a hyphen', () => {
  expect(nameIsDnsSubdomain('web-', true)).toEqual([]);
  expect(nameIsDnsSubdomain('web-', false)).not.toEqual([]);
  expect(nameIsDnsLabel('-', true)).not.toEqual([]);
});
