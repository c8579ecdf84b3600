import { describe, expect, test } from 'vitest';
import { type AcceptedForm, negotiate, wantsPretty } from './negotiation.ts';

const plain: AcceptedForm = { encoding: 'json', as: 'object', version: 'v1', pretty: false };
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const metadata = 'as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const protobuf = 'application/vnd.kubernetes.protobuf';

describe('a client that accepts', () => {
  test.each<[string | undefined, Partial<AcceptedForm>]>([
    [undefined, {}],
    ['*/*', {}],
    ['*', {}],
    ['application/json', {}],
    [protobuf, { encoding: 'protobuf' }],
    [`${protobuf},application/json`, { encoding: 'protobuf' }],
    [`application/json,${protobuf}`, {}],
    [`application/json;q=0.8,${protobuf};q=0.9`, { encoding: 'protobuf' }],
    [`${protobuf};stream=watch`, { encoding: 'protobuf' }],
    [`application/cbor,${protobuf}`, { encoding: 'protobuf' }],
    ['application/json;stream=watch', {}],
    ['application/json;stream=other,application/yaml', { encoding: 'yaml' }],
    // YAML cannot be streamed.
    ['application/yaml;stream=watch,application/json', {}],
    ['application/json;sv=v2,application/yaml', { encoding: 'yaml' }],
    ['application/yaml', { encoding: 'yaml' }],
    ['application/json;q=0.1,application/yaml;q=0.9', { encoding: 'yaml' }],
    // What is named goes before what is not.
    ['*/*,application/yaml', { encoding: 'yaml' }],
    // Least wanted is wanted.
    ['application/yaml;q=0', { encoding: 'yaml' }],
    [table, { as: 'table' }],
    [`${table.replace('v1', 'v1beta1')},application/json`, { as: 'table', version: 'v1beta1' }],
    [table.replace('json', 'yaml'), { as: 'table', encoding: 'yaml' }],
    // There is no message for tables: the next clause counts.
    [`${table.replace('application/json', protobuf)},${table}`, { as: 'table' }],
    [table.replace('application/json', '*/*'), { as: 'table' }],
    ['application/json;as=Table;v=v2;g=meta.k8s.io,application/json', {}],
    ['application/json;as=Table;v=v1;g=other,application/json', {}],
    ['application/json;v=v1,application/yaml', { encoding: 'yaml' }],
    ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', { as: 'metadata' }],
    [`${protobuf};${metadata},application/json;${metadata}`, { as: 'metadata', encoding: 'protobuf' }],
    ['application/json;pretty=1', { pretty: true }],
    ['text/html, application/*', {}],
  ])('%s', (accept, expected) => {
    expect(negotiate(accept)).toEqual({ ...plain, ...expected });
  });

  test.each([
    ['text/html'],
    ['application/cbor'],
    ['application/json/x'],
    ['APPLICATION/JSON'],
    [table.replace('meta.k8s.io', 'x')],
    [table.replace('application/json', protobuf)],
  ])('%s gets nothing', (accept) =>
    expect(() => negotiate(accept)).toThrow(`only the following media types are accepted: application/json, application/yaml, ${protobuf}`),
  );
});

test('an answer that has one form is not acceptable as a table', () => {
  const plainOnly = { plainOnly: true };
  expect(() => negotiate(table, plainOnly)).toThrow(/only the following media types are accepted/);
  expect(negotiate(`${table},application/json`, plainOnly)).toEqual(plain);
  expect(negotiate(table).as).toBe('table');
});

test('what has no message is not sent as one', () => {
  expect(negotiate(`${protobuf},application/json`, { noProtobuf: true })).toEqual(plain);
  expect(() => negotiate(protobuf, { noProtobuf: true })).toThrow(/accepted: application\/json, application\/yaml$/);
});

test('a watch is a stream, which YAML cannot be', () => {
  const streams = `only the following media types are accepted: application/json;stream=watch, ${protobuf};stream=watch`;
  expect(() => negotiate('application/yaml', { watch: true })).toThrow(streams);
  expect(() => negotiate('application/yaml,application/json', { watch: true })).toThrow(streams);
  expect(negotiate('*/*', { watch: true })).toEqual(plain);
  expect(negotiate(`${protobuf};stream=watch,application/json`, { watch: true }).encoding).toBe('protobuf');
});

test('CBOR is spoken behind its gate', () => {
  expect(negotiate('application/cbor,application/json', { cbor: true }).encoding).toBe('cbor');
  expect(() => negotiate('text/html', { cbor: true })).toThrow(`${protobuf}, application/cbor`);
  expect(() => negotiate('text/html', { cbor: true, watch: true })).toThrow(`${protobuf};stream=watch, application/cbor-seq`);
});

test('people get indented JSON, programs do not', () => {
  expect(wantsPretty(plain, undefined, 'curl/8.5')).toBe(true);
  expect(wantsPretty(plain, undefined, 'Mozilla/5.0 (X11)')).toBe(true);
  expect(wantsPretty(plain, undefined, 'kubectl/v1.35.0')).toBe(false);
  expect(wantsPretty(plain, 'false', 'curl/8.5')).toBe(false);
  expect(wantsPretty(plain, 'true', 'kubectl')).toBe(true);
});
