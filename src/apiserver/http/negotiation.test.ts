import { describe, expect, test } from 'vitest';
import { type AcceptedForm, negotiate, wantsPretty } from './negotiation.ts';

const plain: AcceptedForm = { encoding: 'json', as: 'object', version: 'v1', pretty: false };
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';

describe('a client that accepts', () => {
  test.each<[string | undefined, Partial<AcceptedForm>]>([
    [undefined, {}],
    ['*/*', {}],
    ['application/json', {}],
    ['application/vnd.kubernetes.protobuf,application/json', {}],
    ['application/json;stream=watch', {}],
    ['application/yaml', { encoding: 'yaml' }],
    ['application/json;q=0.1,application/yaml;q=0.9', { encoding: 'yaml' }],
    [table, { as: 'table' }],
    [`${table.replace('v1', 'v1beta1')},application/json`, { as: 'table', version: 'v1beta1' }],
    ['application/json;as=Table;v=v2;g=meta.k8s.io,application/json', {}],
    ['application/json;as=Table;v=v1;g=other,application/json', {}],
    ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', { as: 'metadata' }],
    ['application/json;pretty=1', { pretty: true }],
    ['text/html, application/*', {}],
  ])('%s', (accept, expected) => {
    expect(negotiate(accept)).toEqual({ ...plain, ...expected });
  });

  test.each(['text/html', 'application/vnd.kubernetes.protobuf', 'application/json;q=0', table.replace('meta.k8s.io', 'x')])(
    '%s gets nothing',
    (accept) => expect(() => negotiate(accept)).toThrow(/only the following media types are accepted/),
  );
});

test('an answer that has one form is not acceptable as a table', () => {
  const plainOnly = { plainOnly: true };
  expect(() => negotiate(table, plainOnly)).toThrow(/only the following media types are accepted/);
  expect(negotiate(`${table},application/json`, plainOnly)).toEqual(plain);
  expect(negotiate(table).as).toBe('table');
});

test('people get indented JSON, programs do not', () => {
  expect(wantsPretty(plain, undefined, 'curl/8.5')).toBe(true);
  expect(wantsPretty(plain, undefined, 'Mozilla/5.0 (X11)')).toBe(true);
  expect(wantsPretty(plain, undefined, 'kubectl/v1.35.0')).toBe(false);
  expect(wantsPretty(plain, 'false', 'curl/8.5')).toBe(false);
  expect(wantsPretty(plain, 'true', 'kubectl')).toBe(true);
});
