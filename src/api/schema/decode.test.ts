import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeObject, type FieldValidation } from './decode.ts';
import { definitionOfKind } from './facts.ts';

const podDefinition = 'io.k8s.api.core.v1.Pod';

function pod(rest: object): object {
  return { apiVersion: 'v1', kind: 'Pod', ...rest };
}

function decode(value: unknown, options: { definition?: string; fieldValidation?: FieldValidation } = {}): unknown {
  return decodeObject(value, options.definition ?? podDefinition, { fieldValidation: options.fieldValidation ?? 'Strict' }).object;
}

describe('a wrong type is a bad request in the words of Go', () => {
  const refusals: readonly (readonly [string, unknown, string])[] = [
    [
      'a text for a map',
      { metadata: { labels: 'x' } },
      'json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
    [
      'a number for a label',
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      'an object for a list',
      { spec: { containers: {} } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      'a number for a text with a name of its own',
      { spec: { dnsPolicy: 1 } },
      'json: cannot unmarshal number into Go struct field PodSpec.spec.dnsPolicy of type v1.DNSPolicy',
    ],
    [
      'a number in a list of such texts',
      { spec: { containers: [{ securityContext: { capabilities: { add: [1] } } }] } },
      'json: cannot unmarshal number into Go struct field Capabilities.spec.containers.securityContext.capabilities.add of type v1.Capability',
    ],
    [
      'a number for a uid',
      { metadata: { uid: 1 } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.uid of type types.UID',
    ],
    ['a list for a struct', { spec: [] }, 'json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec'],
    [
      'a text for an int32',
      { spec: { priority: '1' } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      'a fraction for an int32',
      { spec: { priority: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      'too large an int32',
      { spec: { priority: 3_000_000_000 } },
      'json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      'a number for a boolean',
      { spec: { hostNetwork: 1 } },
      'json: cannot unmarshal number into Go struct field PodSpec.spec.hostNetwork of type bool',
    ],
    [
      'no time',
      { metadata: { creationTimestamp: 'now' } },
      'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ],
    [
      'no day of the calendar',
      { metadata: { creationTimestamp: '2025-02-29T00:00:00Z' } },
      'parsing time "2025-02-29T00:00:00Z": day out of range',
    ],
    [
      'no quantity',
      { spec: { containers: [{ resources: { limits: { cpu: 'much' } } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      'a boolean for a port',
      { spec: { containers: [{ readinessProbe: { httpGet: { port: true } } }] } },
      'json: cannot unmarshal bool into Go struct field HTTPGetAction.spec.containers.readinessProbe.httpGet.port of type int32',
    ],
  ];
  test.each(refusals)('%s', (_name, rest, message) => {
    expect(() => decode(pod(rest as object), { fieldValidation: 'Ignore' })).toThrow(
      expect.objectContaining({ code: 400, reason: 'BadRequest', message: `Pod in version "v1" cannot be handled as a Pod: ${message}` }),
    );
  });

  test('something that is no object at all', () => {
    expect(() => decode([])).toThrow('json: cannot unmarshal array into Go value of type v1.Pod');
  });

  test('base64 that is none', () => {
    const definition = 'io.k8s.api.core.v1.Secret';
    expect(() => decode({ apiVersion: 'v1', kind: 'Secret', data: { a: 'no!' } }, { definition })).toThrow(
      'illegal base64 data at input byte 2',
    );
  });
});

describe('unknown fields', () => {
  const body = pod({ spec: { containers: [{ name: 'a', foo: 1 }], extra: {} }, bar: 2 });
  const faults = ['unknown field "spec.containers[0].foo"', 'unknown field "spec.extra"', 'unknown field "bar"'];

  test('Strict refuses them, with their paths, in the order of the text', () => {
    expect(() => decode(body)).toThrow(`Pod in version "v1" cannot be handled as a Pod: strict decoding error: ${faults.join(', ')}`);
  });

  test('Warn drops and tells them', () => {
    const { object, warnings } = decodeObject(body, podDefinition, { fieldValidation: 'Warn' });
    expect(object).toEqual(pod({ spec: { containers: [{ name: 'a' }] } }));
    expect(warnings).toEqual(faults);
  });

  test('Ignore drops them in silence', () => {
    expect(decodeObject(body, podDefinition, { fieldValidation: 'Ignore' }).warnings).toEqual([]);
  });

  test('a field in other case is unknown', () => {
    expect(() => decode(pod({ Spec: {} }))).toThrow('unknown field "Spec"');
  });

  test('__proto__ and constructor are unknown fields and ordinary map keys', () => {
    expect(() => decode(JSON.parse('{"kind":"Pod","__proto__":{"spec":1}}'))).toThrow('unknown field "__proto__"');
    const labels: unknown = JSON.parse('{"__proto__":"a","constructor":"b"}');
    const object = decode(pod({ metadata: { labels } })) as { metadata: { labels: object } };
    expect(JSON.stringify(object.metadata.labels)).toBe('{"__proto__":"a","constructor":"b"}');
    expect(Object.getPrototypeOf(object.metadata.labels)).toBe(Object.prototype);
  });

  test('at most a hundred are told', () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`f${i}`, 1]));
    expect(decodeObject(pod(many), podDefinition, { fieldValidation: 'Warn' }).warnings).toHaveLength(100);
  });

  test('what the reader of the text found stands first', () => {
    const { warnings } = decodeObject(pod({ x: 1 }), podDefinition, { fieldValidation: 'Warn', strictErrors: ['duplicate field "kind"'] });
    expect(warnings).toEqual(['duplicate field "kind"', 'unknown field "x"']);
  });
});

describe('values are read as Go reads them', () => {
  const cases: readonly (readonly [string, object, object])[] = [
    ['null is absent', { metadata: { labels: null, name: 'a' }, spec: null }, { metadata: { name: 'a' } }],
    ['undefined is absent', { metadata: { name: undefined } }, { metadata: {} }],
    ['null in a list is the zero value', { spec: { containers: [null] } }, { spec: { containers: [{}] } }],
    ['null in a map is the zero value', { metadata: { labels: { a: null } } }, { metadata: { labels: { a: '' } } }],
    ['empty optional lists and maps are absent', { metadata: { labels: {}, finalizers: [] } }, { metadata: {} }],
    ['an empty object stays', { spec: { volumes: [{ name: 'a', emptyDir: {} }] } }, { spec: { volumes: [{ name: 'a', emptyDir: {} }] } }],
    [
      'a time of another zone becomes UTC',
      { metadata: { creationTimestamp: '2024-02-29T01:00:00.5+02:00' } },
      { metadata: { creationTimestamp: '2024-02-28T23:00:00Z' } },
    ],
    [
      'a quantity may be a number',
      { spec: { containers: [{ name: 'a', resources: { limits: { cpu: 0.5, memory: 1 } } }] } },
      { spec: { containers: [{ name: 'a', resources: { limits: { cpu: '0.5', memory: '1' } } }] } },
    ],
    ['a bigint that fits is a number', { metadata: { generation: 3n } }, { metadata: { generation: 3 } }],
  ];
  test.each(cases)('%s', (_name, rest, expected) => {
    expect(decode(pod(rest))).toEqual(pod(expected));
  });

  test.each([
    ['2024-13-01 x', 'parsing time "2024-13-01 x": month out of range'],
    ['2024-01-32T24:00:00Z', 'parsing time "2024-01-32T24:00:00Z": hour out of range'],
    ['2024-01-32T00:00:00Z', 'parsing time "2024-01-32T00:00:00Z": day out of range'],
    ['2024-01-01T00:00:00+25:00', 'parsing time "2024-01-01T00:00:00+25:00": time zone offset hour out of range'],
    ['2024-01-01T00:00:00Zx', 'parsing time "2024-01-01T00:00:00Zx": extra text: "x"'],
    ['2024-01-01T00:00:00.Z', 'parsing time "2024-01-01T00:00:00.Z" as "2006-01-02T15:04:05Z07:00": cannot parse ".Z" as "Z07:00"'],
  ])('the first fault of the time %s is told', (deletionTimestamp, message) => {
    expect(() => decode(pod({ metadata: { deletionTimestamp } }))).toThrow(message);
  });

  test('spaces around a quantity go; nothing is none', () => {
    const limited = (cpu: string): unknown => decode(pod({ spec: { containers: [{ name: 'a', resources: { limits: { cpu } } }] } }));
    expect(limited(' 1 ')).toMatchObject({ spec: { containers: [{ resources: { limits: { cpu: '1' } } }] } });
    for (const cpu of ['', '1GB', '\t1']) expect(() => limited(cpu)).toThrow('quantities must match the regular expression');
    expect(() => limited('1e')).toThrow("unable to parse quantity's suffix");
  });

  test('a microsecond time keeps six digits, and its day is one of the month', () => {
    const definition = 'io.k8s.api.coordination.v1.Lease';
    const renewed = (renewTime: string): unknown =>
      decode({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec: { renewTime } }, { definition });
    expect(renewed('2024-01-01T02:00:00.500000+02:00')).toMatchObject({ spec: { renewTime: '2024-01-01T00:00:00.500000Z' } });
    for (const [text, rest] of [
      ['2024-01-01T00:00:00.5Z', '.5Z'],
      ['2024-01-01T00:00:00Z', 'Z'],
    ] as const) {
      expect(() => renewed(text)).toThrow(
        `parsing time "${text}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "${rest}" as ".000000"`,
      );
    }
    for (const kept of ['2024-01-01T00:00:00.123456Z', '2024-02-29T23:59:59.999999Z', '2024-12-31T00:00:00.000000Z']) {
      expect(renewed(kept)).toMatchObject({ spec: { renewTime: kept } });
    }
    for (const text of ['2025-02-29T00:00:00.000000Z', '2024-04-31T00:00:00.000000Z', '2024-01-00T00:00:00.000000Z']) {
      expect(() => renewed(text)).toThrow('day out of range');
    }
  });

  test('the result shares nothing with the body', () => {
    const body = pod({
      metadata: { labels: { a: 'b' }, managedFields: [{ fieldsV1: { 'f:x': {} } }] },
      spec: { containers: [{ name: 'a' }] },
    });
    const before = JSON.stringify(body);
    const object = decode(body) as { metadata: { labels: Record<string, string>; managedFields: { fieldsV1: Record<string, unknown> }[] } };
    object.metadata.labels['a'] = 'c';
    object.metadata.managedFields[0]!.fieldsV1['f:y'] = {};
    expect(JSON.stringify(body)).toBe(before);
  });
});

test('zeros go where Go leaves them out, and stay where they say something', () => {
  const container = { name: '', image: '', stdin: false, livenessProbe: { initialDelaySeconds: 0, terminationGracePeriodSeconds: 0 } };
  const spec = { hostNetwork: false, hostUsers: false, priority: 0, nodeName: '', runtimeClassName: '', containers: [container] };
  expect(decode(pod({ metadata: { name: 'a', namespace: '', generation: 0 }, spec }))).toEqual(
    pod({
      metadata: { name: 'a' },
      spec: {
        hostUsers: false,
        priority: 0,
        runtimeClassName: '',
        containers: [{ name: '', livenessProbe: { terminationGracePeriodSeconds: 0 } }],
      },
    }),
  );
});

describe('what JSON cannot say is refused', () => {
  test.each([
    ['NaN', { spec: { priority: Number.NaN } }],
    ['a date', { metadata: { creationTimestamp: new Date(0) } }],
    ['a map', { metadata: { labels: new Map() } }],
    ['undefined in a list', { metadata: { finalizers: [undefined] } }],
    ['a function in free JSON', { metadata: { managedFields: [{ fieldsV1: { a: () => 1 } }] } }],
  ])('%s', (_name, rest) => {
    expect(() => decode(pod(rest), { fieldValidation: 'Ignore' })).toThrow(expect.objectContaining({ code: 400 }));
  });

  test('a tree without end', () => {
    const endless: Record<string, unknown> = {};
    endless['f:a'] = endless;
    expect(() => decode(pod({ metadata: { managedFields: [{ fieldsV1: endless }] } }))).toThrow('exceeded max depth');
  });
});

test('a schema in a custom resource definition is read as a schema, a list or a boolean', () => {
  const definition = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
  const schema = {
    properties: { a: { items: { type: 'string', nonsense: 1 } }, b: { additionalProperties: false } },
    default: { x: [1, null] },
  };
  expect(decode(schema, { definition, fieldValidation: 'Ignore' })).toEqual({
    properties: { a: { items: { type: 'string' } }, b: { additionalProperties: false } },
    default: { x: [1, null] },
  });
});

test('inside of such a schema unknown fields are no fault, as upstream reads it', () => {
  const definition = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
  expect(decode({ items: { foo: 1 } }, { definition })).toEqual({ items: {} });
  expect(() => decode({ properties: { a: { foo: 1 } }, items: {} }, { definition })).toThrow('unknown field "properties.a.foo"');
});

test('decoding what was decoded changes nothing', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4, values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)] }), (free) => {
      const body = pod({ metadata: { managedFields: [{ fieldsV1: free }] }, ...free });
      try {
        const once = decode(body, { fieldValidation: 'Ignore' });
        expect(decode(once, { fieldValidation: 'Strict' })).toEqual(once);
      } catch (error) {
        if ((error as { code?: number }).code !== 400) throw error;
      }
    }),
    { numRuns: 200 },
  );
});

const golden = fileURLToPath(new URL('../../../../shared/data/roundtrip', import.meta.url));

test.skipIf(!existsSync(golden))(
  'a full object of every kind comes through whole (skips without the golden files beside the checkout)',
  () => {
    let seen = 0;
    for (const file of readdirSync(golden).filter((name) => name.endsWith('.json'))) {
      const value = JSON.parse(readFileSync(`${golden}/${file}`, 'utf8')) as { apiVersion?: string; kind?: string };
      const [version, group = ''] = (value.apiVersion ?? '').split('/').toReversed();
      const definition = definitionOfKind({ group, version: version!, kind: value.kind ?? '' });
      if (definition === undefined) continue;
      expect({ file, object: decode(value, { definition }) }).toEqual({ file, object: value });
      seen++;
    }
    expect(seen).toBeGreaterThan(80);
  },
);
