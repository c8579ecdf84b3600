/** Paths, methods and options that nobody should send, and what they are told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
const configMaps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  server = await startTestServer();
  for (const name of ['a', 'b', 'c']) await server.http('POST', configMaps, { metadata: { name } });
});
afterAll(() => server.close());

const notServed = 'the server could not find the requested resource';
const notAllowed = 'the server does not allow this method on the requested resource';

describe('a path', () => {
  test.each<[path: string, code: number, message: string]>([
    ['//', 404, notServed],
    ['/api//v1/pods', 404, notServed],
    ['/api/v1//pods', 404, notServed],
    ['/api/v2', 404, notServed],
    ['/apis/apps/v2/deployments', 404, notServed],
    ['/apis/nope.example/v1/things', 404, notServed],
    ['/apis/__proto__/v1', 404, notServed],
    ['/apis/apps/__proto__/x', 404, notServed],
    ['/api/v1/__proto__', 404, notServed],
    ['/api/v1/constructor/x', 404, notServed],
    ['/api/v1/configmaps/a', 404, notServed],
    ['/api/v1/nodes/n/b/c', 404, notServed],
    [`${configMaps}/a/b/c/d`, 404, notServed],
    [`${configMaps}/../secrets`, 404, notServed],
    [`${configMaps}/%2e%2e/secrets`, 404, notServed],
    ['/api/v1/namespaces/default%2Fconfigmaps/a', 404, notServed],
    ['/%2e%2e/etc/passwd', 404, notServed],
    ['/openapi/v3/nope', 404, notServed],
    ['/healthz/nope', 404, notServed],
    [`${configMaps}/..`, 404, 'configmaps ".." not found'],
    [`${configMaps}/a%2Fb`, 404, 'configmaps "a/b" not found'],
    [`${configMaps}/%00`, 404, 'not found'],
    [`${configMaps}/%ff`, 404, 'configmaps "%ff" not found'],
    [`${configMaps}/%zz`, 404, 'configmaps "%zz" not found'],
    [`${configMaps}/%E2%82%AC`, 404, 'configmaps "€" not found'],
    [`${configMaps}/__proto__`, 404, 'configmaps "__proto__" not found'],
    [`${configMaps}/${'x'.repeat(300)}`, 404, 'not found'],
  ])('%s: %i', async (path, code, message) => {
    const { status, json } = await server.http('GET', path);
    expect([status, json.kind, json.message]).toEqual([code, 'Status', expect.stringContaining(message)]);
  });

  test.each([
    [`${configMaps}/`, 'ConfigMapList'],
    [`${configMaps}/a/`, 'ConfigMap'],
    ['/api/v1/namespaces/', 'NamespaceList'],
    ['/api/v1/namespaces/default/', 'Namespace'],
    ['/api/', 'APIVersions'],
    ['/api/v1/', 'APIResourceList'],
    ['/apis/', 'APIGroupList'],
    [`${configMaps}?%zz&a=%ff&&&=`, 'ConfigMapList'],
    [`${configMaps}?pretty=maybe&unknown=1&dryRun=All&fieldManager=x&labelSelector=&fieldSelector=&limit=&continue=`, 'ConfigMapList'],
    [`${configMaps}?labelSelector=${encodeURIComponent(`a notin (${'b,'.repeat(20_000)}c)`)}`, 'ConfigMapList'],
    ['/api/v1/namespaces/__proto__/configmaps', 'ConfigMapList'],
    ['/api/v1/namespaces/%2e%2e/configmaps', 'ConfigMapList'],
  ])('%s is a %s', async (path, kind) => {
    const { status, json } = await server.http('GET', path);
    expect([status, json.kind]).toEqual([200, kind]);
  });
});

describe('a method', () => {
  test.each<[method: string, path: string, code: number, message: string]>([
    ['POST', `${configMaps}/a`, 405, notAllowed],
    ['PUT', configMaps, 405, notAllowed],
    ['PATCH', configMaps, 405, notAllowed],
    ['POST', '/api/v1/configmaps', 405, notAllowed],
    ['DELETE', '/api/v1/configmaps', 405, notAllowed],
    ['DELETE', '/api/v1/namespaces', 405, 'deletecollection is not supported on resources of kind "namespaces"'],
    ['DELETE', '/api/v1', 405, notAllowed],
    ['POST', '/', 405, notAllowed],
    ['PUT', '/version', 405, notAllowed],
    ['POST', '/healthz', 405, notAllowed],
    ['GET', '/api/v1/namespaces/default/finalize', 405, 'get is not supported on resources of kind "namespaces"'],
    ['OPTIONS', configMaps, 405, 'options is not supported on resources of kind "configmaps"'],
    ['TRACE', configMaps, 405, 'trace is not supported on resources of kind "configmaps"'],
    ['PROPFIND', configMaps, 405, 'propfind is not supported on resources of kind "configmaps"'],
    [
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      422,
      'spec.resourceAttributes: Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    ['GET', '/apis/authentication.k8s.io/v1/tokenreviews', 405, 'the server does not allow this method on the requested resource'],
  ])('%s %s: %i', async (method, path, code, message) => {
    const { status, json } = await server.http(method, path, method === 'GET' ? undefined : '{}');
    expect([status, json.kind, json.message]).toEqual([code, 'Status', expect.stringContaining(message)]);
  });

  test.each([
    [configMaps, 200],
    [`${configMaps}/a`, 200],
    [`${configMaps}/nope`, 404],
    ['/version', 200],
    ['/nowhere', 404],
  ])('HEAD %s: %i, the headers of a GET and no body', async (path, status) => {
    const [head, get] = [await server.http('HEAD', path), await server.http('GET', path)];
    expect([head.status, head.text]).toEqual([status, '']);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    expect(head.headers['content-type']).toBe(get.headers['content-type']);
  });
});

describe('options of a list', () => {
  test.each<[query: string, code: number, message: string]>([
    ['limit=abc', 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ['limit=1.5', 400, 'strconv.ParseInt: parsing "1.5": invalid syntax'],
    ['limit=99999999999999999999', 400, 'strconv.ParseInt: parsing "99999999999999999999": value out of range'],
    ['timeoutSeconds=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['continue=garbage', 400, 'continue key is not valid: '],
    ['continue=e30', 400, 'continue key is not valid: '],
    ['continue=bnVsbA', 400, 'continue key is not valid: '],
    [
      'resourceVersion=abc',
      400,
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    [
      'resourceVersion=-1',
      400,
      'invalid resource version: resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax',
    ],
    [
      'resourceVersion=1.5',
      400,
      'invalid resource version: resourceVersion: Invalid value: "1.5": strconv.ParseUint: parsing "1.5": invalid syntax',
    ],
    ['resourceVersion=99999999999999999999999', 400, 'invalid resource version'],
    ['resourceVersion=1&resourceVersionMatch=Bogus', 422, 'resourceVersionMatch: Unsupported value: "Bogus"'],
    ['resourceVersion=0&resourceVersionMatch=Exact', 422, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
    ['sendInitialEvents=true', 422, 'sendInitialEvents is forbidden for list'],
    ['labelSelector=a%3D%3D%3Db', 400, "unable to parse requirement: found '=', expected: identifier"],
    ['labelSelector=a+in+(', 400, "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['labelSelector=!', 400, "unable to parse requirement: found '', expected: identifier"],
    ['labelSelector=%2C', 400, "found ',', expected: !, identifier, or 'end of string'"],
    ['labelSelector=-a', 400, 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'],
    [`labelSelector=a%3D${'x'.repeat(64)}`, 400, 'must be no more than 63 bytes'],
    ['labelSelector=a%20%3E%20b', 400, "for 'Gt', 'Lt' operators, the value must be an integer"],
    ['fieldSelector=a', 400, "invalid selector: 'a'; can't understand 'a'"],
    ['fieldSelector=spec.x%3D1', 400, '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['fieldSelector=__proto__%3D1', 400, '"__proto__" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    [
      'watch=1&resourceVersion=abc',
      400,
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    ['watch=1&timeoutSeconds=abc', 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ['watch=1&sendInitialEvents=true', 422, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    ['watch=1&labelSelector=%2C', 400, "found ','"],
  ])('%s: %i', async (query, code, message) => {
    const { status, json } = await server.http('GET', `${configMaps}?${query}`);
    expect([status, json.kind, json.message]).toEqual([code, 'Status', expect.stringContaining(message)]);
  });

  test.each([
    ['limit=-1', ['a', 'b', 'c']],
    ['limit=0', ['a', 'b', 'c']],
    ['limit=9007199254740991', ['a', 'b', 'c']],
    ['fieldSelector=metadata.name%3Da%2Cmetadata.name%3Db', []],
    ['fieldSelector=metadata.name%3D', []],
    ['labelSelector=x%20%3E%201', []],
    ['timeoutSeconds=-1', ['a', 'b', 'c']],
  ])('%s finds %j', async (query, names) => {
    const { json } = await server.http('GET', `${configMaps}?${query}`);
    expect(json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual(names);
  });

  test('a version that is still to come is told to come back', async () => {
    const { status, headers, json } = await server.http('GET', `${configMaps}?resourceVersion=99999999`);
    expect([status, headers['retry-after'], json.reason]).toEqual([504, '1', 'Timeout']);
    expect(json.message).toMatch(/^Timeout: Too large resource version: 99999999, current: \d+$/);
    expect(json.details.causes[0].reason).toBe('ResourceVersionTooLarge');
  });
});

describe('options of a deletion', () => {
  test.each<[query: string, body: unknown, code: number, message: string]>([
    ['gracePeriodSeconds=x', undefined, 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['propagationPolicy=Bogus', undefined, 422, 'propagationPolicy: Unsupported value: "Bogus"'],
    ['propagationPolicy=Orphan&orphanDependents=true', undefined, 422, 'orphanDependents and deletionPropagation cannot be both set'],
    ['dryRun=x', undefined, 422, 'dryRun: Unsupported value: ["x"]: supported values: "All"'],
    ['', 'x', 400, "json parse error: invalid character 'x'"],
    ['', [], 400, 'the object provided is unrecognized (must be of type DeleteOptions): not an object'],
    ['', { kind: 'Pod' }, 400, 'decoded object cannot be converted to DeleteOptions: "Pod"'],
    [
      '',
      { gracePeriodSeconds: 'x' },
      400,
      'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
    ],
    ['', { gracePeriodSeconds: 1.5 }, 400, 'json: cannot unmarshal number 1.5 into Go struct field DeleteOptions.gracePeriodSeconds'],
    ['', '{"gracePeriodSeconds":9223372036854775807}', 400, 'gracePeriodSeconds: Invalid value: 9223372036854775807: must be an integer'],
    ['', { preconditions: [] }, 400, 'json: cannot unmarshal array into Go struct field DeleteOptions.preconditions'],
    ['', { preconditions: { uid: 'x' } }, 409, 'the UID in the precondition (x) does not match the UID in record'],
    ['', { preconditions: { resourceVersion: '1' } }, 409, 'the ResourceVersion in the precondition (1) does not match'],
    ['', { propagationPolicy: 3 }, 400, 'json: cannot unmarshal number into Go struct field DeleteOptions.propagationPolicy'],
    ['', { dryRun: 'All' }, 400, 'json: cannot unmarshal string into Go struct field DeleteOptions.dryRun'],
    ['', { dryRun: ['x'] }, 422, 'dryRun: Unsupported value: ["x"]: supported values: "All"'],
  ])('%s %j: %i', async (query, body, code, message) => {
    const { json } = await server.http('DELETE', `${configMaps}/a?${query}`, body);
    expect([json.kind, json.code, json.message]).toEqual(['Status', code, expect.stringContaining(message)]);
    expect((await server.http('GET', `${configMaps}/a`)).status).toBe(200);
  });

  test.each([{ dryRun: ['All'] }, { unknown: 1, dryRun: ['All'] }, 'null'])('%j is fine', async (body) => {
    await server.http('POST', configMaps, { metadata: { name: 'gone' } });
    expect((await server.http('DELETE', `${configMaps}/gone`, body)).json).toMatchObject({ status: 'Success' });
  });
});

test('the groups of an impersonation need a user', async () => {
  const { json } = await server.http('GET', configMaps, undefined, { headers: { 'impersonate-group': 'x' } });
  expect(json).toMatchObject({ code: 400, message: 'requested [{Group  x    }] without impersonating a user' });
});
