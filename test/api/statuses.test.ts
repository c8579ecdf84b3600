/** What bad requests answer: always a Status, in upstream's words, never a stack and never a 500. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, more: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more });

interface Refusal {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly reason: string;
  readonly message: string | RegExp;
}

const refusals: Readonly<Record<string, Refusal>> = {
  'a body that is no JSON': {
    method: 'POST',
    path: configMaps,
    body: '{"a":',
    code: 400,
    reason: 'BadRequest',
    message:
      /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: .* \(\{"a":\)$/,
  },
  'a body that is no YAML': {
    method: 'POST',
    path: configMaps,
    body: 'a: [',
    headers: { 'content-type': 'application/yaml' },
    code: 400,
    reason: 'BadRequest',
    message: /^the object provided is unrecognized \(must be of type ConfigMap\): /,
  },
  'another API version': {
    method: 'POST',
    path: configMaps,
    body: { ...configMap('a'), apiVersion: 'apps/v1' },
    code: 400,
    reason: 'BadRequest',
    message: 'the API version in the data (apps/v1) does not match the expected API version (v1)',
  },
  'a field of the wrong type': {
    method: 'POST',
    path: configMaps,
    body: configMap('a', { data: 3 }),
    code: 400,
    reason: 'BadRequest',
    message: /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field /,
  },
  'an unknown field under strict validation': {
    method: 'POST',
    path: `${configMaps}?fieldValidation=Strict`,
    body: configMap('a', { dta: {} }),
    code: 400,
    reason: 'BadRequest',
    message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"',
  },
  'a name that is not one': {
    method: 'POST',
    path: configMaps,
    body: configMap('A_b'),
    code: 422,
    reason: 'Invalid',
    message: /^ConfigMap "A_b" is invalid: metadata\.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of/,
  },
  'no name at all': {
    method: 'POST',
    path: configMaps,
    body: { apiVersion: 'v1', kind: 'ConfigMap' },
    code: 422,
    reason: 'Invalid',
    message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
  },
  'a resource version on create': {
    method: 'POST',
    path: configMaps,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '4' } },
    code: 400,
    reason: 'BadRequest',
    message: 'resourceVersion should not be set on objects to be created',
  },
  'a namespace that does not exist': {
    method: 'POST',
    path: '/api/v1/namespaces/nowhere/configmaps',
    body: configMap('a'),
    code: 404,
    reason: 'NotFound',
    message: 'namespaces "nowhere" not found',
  },
  'another namespace than the path': {
    method: 'POST',
    path: configMaps,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'other' } },
    code: 400,
    reason: 'BadRequest',
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  },
  'another name than the path': {
    method: 'PUT',
    path: `${configMaps}/b`,
    body: configMap('a'),
    code: 400,
    reason: 'BadRequest',
    message: 'the name of the object (a) does not match the name on the URL (b)',
  },
  'an update of what is not there': {
    method: 'PUT',
    path: `${configMaps}/absent`,
    body: configMap('absent'),
    code: 404,
    reason: 'NotFound',
    message: 'configmaps "absent" not found',
  },
  'an unknown media type': {
    method: 'POST',
    path: configMaps,
    body: 'x',
    headers: { 'content-type': 'text/plain' },
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /^the body of the request was in an unknown format - accepted media types include: /,
  },
  'an unknown patch type': {
    method: 'PATCH',
    path: `${configMaps}/a`,
    body: '{}',
    headers: { 'content-type': 'application/json' },
    code: 415,
    reason: 'UnsupportedMediaType',
    message:
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, ' +
      'application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
  },
  'a form that nobody serves': {
    path: configMaps,
    headers: { accept: 'text/html' },
    code: 406,
    reason: 'NotAcceptable',
    message: /^only the following media types are accepted: application\/json/,
  },
  'a body that is too large': {
    method: 'POST',
    path: configMaps,
    body: configMap('a', { data: { a: 'x'.repeat(3 * 1024 * 1024) } }),
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: 'Request entity too large: limit is 3145728',
  },
  'a method on an object that has none': {
    method: 'POST',
    path: `${configMaps}/a`,
    body: {},
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
  },
  'an unknown path': { path: '/nowhere', code: 404, reason: 'NotFound', message: 'the server could not find the requested resource' },
  'an unknown resource': {
    path: '/api/v1/namespaces/default/things',
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
  },
  'an unknown subresource': {
    path: `${configMaps}/a/status`,
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
  },
  'a kind that is not built yet': {
    path: '/apis/scheduling.k8s.io/v1alpha1/workloads',
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource: Workload of scheduling.k8s.io/v1alpha1 is not built yet',
  },
  'a label selector that cannot be read': {
    path: `${configMaps}?labelSelector=a%20b`,
    code: 400,
    reason: 'BadRequest',
    message: /^unable to parse requirement: |^couldn't parse|^found /,
  },
  'a field that cannot be selected': {
    path: `${configMaps}?fieldSelector=data.a%3Db`,
    code: 400,
    reason: 'BadRequest',
    message: '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
  },
  'a field of pods that cannot be selected': {
    path: '/api/v1/pods?fieldSelector=spec.a%3Db',
    code: 400,
    reason: 'BadRequest',
    message: 'field label not supported: spec.a',
  },
  'a continue token that is not ours': {
    path: `${configMaps}?limit=2&continue=zzz`,
    code: 400,
    reason: 'BadRequest',
    message: /^invalid continue token: continue key is not valid: /,
  },
  'a resource version that is no number': {
    path: `${configMaps}?resourceVersion=x`,
    code: 400,
    reason: 'BadRequest',
    message: 'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
  },
  'a match without a version': {
    path: `${configMaps}?resourceVersionMatch=Exact`,
    code: 422,
    reason: 'Invalid',
    message:
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  },
  'an unknown dry run': {
    method: 'POST',
    path: `${configMaps}?dryRun=Some`,
    body: configMap('a'),
    code: 422,
    reason: 'Invalid',
    message: /^CreateOptions\.meta\.k8s\.io "" is invalid: dryRun: Unsupported value: .*supported values: "All"$/,
  },
  'an apply without a manager': {
    method: 'PATCH',
    path: `${configMaps}/a`,
    body: JSON.stringify(configMap('a')),
    headers: { 'content-type': 'application/apply-patch+yaml' },
    code: 422,
    reason: 'Invalid',
    message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  },
};

describe('the API server refuses', () => {
  test.each(Object.entries(refusals))('%s', async (_name, refusal) => {
    const { method = 'GET', path, body, headers, code, reason, message } = refusal;
    const answer = await server.http(method, path, body, headers ? { headers } : {});
    expect(answer.json).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason });
    if (typeof message === 'string') expect(answer.json.message).toBe(message);
    else expect(answer.json.message).toMatch(message);
    expect(answer.status).toBe(code);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['cache-control']).toBe('no-cache, private');
    expect(answer.headers['audit-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('the same name twice', async () => {
    await server.http('POST', configMaps, configMap('twice'));
    const answer = await server.http('POST', configMaps, configMap('twice'));
    expect(answer.json).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "twice" already exists',
      details: { name: 'twice', kind: 'configmaps' },
    });
  });

  test('the names of unknown fields are warned of by default', async () => {
    const answer = await server.http('POST', configMaps, configMap('warned', { dta: {}, 'x"y': 1 }));
    expect(answer.status).toBe(201);
    expect(answer.headers['warning']).toContain('299 - "unknown field \\"dta\\""');
    expect(answer.json).not.toHaveProperty('dta');
  });

  test('unknown fields are dropped without a word when the client ignores them', async () => {
    const answer = await server.http('POST', `${configMaps}?fieldValidation=Ignore`, configMap('ignored', { dta: {} }));
    expect(answer.status).toBe(201);
    expect(answer.headers['warning']).toBeUndefined();
  });
});
