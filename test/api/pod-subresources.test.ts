/** What a pod is asked that is not stored: binding, eviction, tokens, and what only its kubelet knows. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

let server: TestServer;
let kubelet: Server;
const seen: string[] = [];

/** Stands where a kubelet would: logs, and an upgrade that echoes. */
async function startKubelet(tls: { readonly cert: string; readonly key: string; readonly ca: string }): Promise<Server> {
  const made = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url === '/cookies') response.writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2, 3; Secure'] }).end();
    else if (request.url?.includes('/waiting'))
      response.writeHead(400).end('container "waiting" in pod "p" is waiting to start: ContainerCreating');
    else response.writeHead(200, { 'content-type': 'text/x-other' }).end('line 1\nline 2\n');
  });
  made.on('upgrade', (request, socket: Socket) => {
    seen.push(`${request.method} ${request.url}`);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
    socket.pipe(socket);
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return made;
}

async function create(path: string, object: object): Promise<void> {
  const { status, text } = await server.http('POST', path, object);
  if (status !== 201) throw new Error(text);
}

function pod(name: string, containers: readonly string[], nodeName?: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: containers.map((container) => ({ name: container, image: 'x' })), ...(nodeName && { nodeName }) },
  };
}

beforeAll(async () => {
  let kubeletTls = { ca: undefined as string | undefined, cert: '', key: '' };
  server = await startTestServer({
    extensions: testExtensions({
      subresources: {
        kubeletTls: () => kubeletTls,
        kubeletsOnLoopback: true,
        signer: {
          issuer: 'https://issuer',
          audiences: ['https://issuer'],
          sign: (claims) => JSON.stringify(claims),
          publicKeys: { jwks: () => ({ keys: [] }), algorithms: ['RS256'] },
        },
      },
    }),
  });
  const { authority } = server;
  kubeletTls = { ca: authority.ca, ...(await authority.client({ name: 'kube-apiserver-kubelet-client', groups: [] })) };
  kubelet = await startKubelet({ ...(await authority.kubelet('n')), ca: authority.ca });
  const { port } = kubelet.address() as AddressInfo;
  await create('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n' },
    status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } },
  });
  await create('/api/v1/namespaces/default/pods', pod('p', ['only'], 'n'));
  await create('/api/v1/namespaces/default/pods', pod('two', ['a', 'b'], 'n'));
  await create('/api/v1/namespaces/default/pods', pod('waiting', ['waiting'], 'n'));
  await create('/api/v1/namespaces/default/pods', pod('homeless', ['only']));
});
afterAll(async () => {
  kubelet.close();
  await server.close();
});

const pods = '/api/v1/namespaces/default/pods';

describe('log', () => {
  test('is what the kubelet says, as plain text', async () => {
    const { text, headers } = await server.http('GET', `${pods}/p/log?tailLines=2&timestamps=true`);
    expect(text).toBe('line 1\nline 2\n');
    expect(headers['content-type']).toBe('text/plain');
    expect(seen).toContain('GET /containerLogs/default/p/only?tailLines=2&timestamps=true');
  });

  test.each([
    ['two/log', 400, 'a container name must be specified for pod two, choose one of: [a b]'],
    ['two/log?container=c', 400, 'container c is not valid for pod two'],
    ['nobody/log', 404, 'pods "nobody" not found'],
    ['waiting/log', 400, 'container "waiting" in pod "p" is waiting to start: ContainerCreating'],
    ['p/log?tailLines=-1', 422, 'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
  ])("%s is refused in upstream's words", async (path, code, message) => {
    expect((await server.http('GET', `${pods}/${path}`)).json).toMatchObject({ kind: 'Status', code, message });
  });

  test('of a pod without a node is nothing yet', async () => {
    expect((await server.http('GET', `${pods}/homeless/log`)).status).toBe(204);
  });
});

/** As the metrics tell. */
async function openConnections(): Promise<number> {
  const { text } = await server.http('GET', '/metrics');
  const [, count] = /^apiserver_longrunning_requests\{verb="CONNECT",.*subresource="exec".*\} (\d+)$/m.exec(text) ?? [];
  return Number(count);
}

describe('exec', () => {
  test('joins the client with the kubelet, byte for byte', async () => {
    const { admin, authority, port } = server;
    const socket = connect({ host: '127.0.0.1', port, ca: authority.ca, cert: admin.cert, key: admin.key, ALPNProtocols: ['http/1.1'] });
    await once(socket, 'secureConnect');
    socket.write(
      `POST ${pods}/p/exec?command=ls&command=-l&stdout=true&stdin=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`,
    );
    let read = '';
    for await (const chunk of socket) {
      const before = read;
      read += String(chunk);
      if (!before.includes('\r\n\r\n') && read.includes('\r\n\r\n')) socket.write('hello');
      if (read.endsWith('hello')) {
        expect(await openConnections()).toBe(1);
        break;
      }
    }
    await expect.poll(openConnections).toBe(0);
    expect(read).toMatch(/^HTTP\/1\.1 101 .*hello$/s);
    expect(seen).toContain('POST /exec/default/p/only?command=ls&command=-l&input=1&output=1');
  });

  test('is a bad request for who does not want to leave HTTP, and for a pod without a node', async () => {
    expect((await server.http('POST', `${pods}/p/exec?command=ls`)).json).toMatchObject({ code: 400, message: 'Upgrade request required' });
    expect((await server.http('POST', `${pods}/homeless/exec?command=ls`)).json.message).toBe('pod homeless does not have a host assigned');
  });
});

describe('proxies', () => {
  test("a node's kubelet answers behind nodes/proxy", async () => {
    expect((await server.http('GET', '/api/v1/nodes/n/proxy/metrics?x=1')).text).toBe('line 1\nline 2\n');
    expect(seen).toContain('GET /metrics?x=1');
  });

  test('cookies come back as lines of their own', async () => {
    const { headers } = await server.http('GET', '/api/v1/nodes/n/proxy/cookies');
    expect(headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2, 3; Secure']);
  });

  test('an empty path is sent on to one with a slash', async () => {
    const { status, headers } = await server.http('GET', '/api/v1/nodes/n/proxy');
    expect([status, headers.location]).toEqual([301, '/api/v1/nodes/n/proxy/']);
  });

  test.each([
    ['/api/v1/nodes/n:22/proxy/', 400, 'address not allowed'],
    [`${pods}/a:b:c:d/proxy/`, 400, 'invalid pod request "a:b:c:d"'],
    [`${pods}/p/proxy/`, 400, 'address not allowed'],
    ['/api/v1/namespaces/default/services/nobody/proxy/', 404, 'endpoints "nobody" not found'],
  ])('%s leads nowhere', async (path, code, message) => {
    expect((await server.http('GET', path)).json).toMatchObject({ code, message });
  });
});

describe('binding', () => {
  const binding = (name: string, target: object = { kind: 'Node', name: 'n' }): object => ({
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, annotations: { by: 'scheduler' } },
    target,
  });

  test("assigns a node once, and says so in the pod's conditions", async () => {
    await create(pods, pod('free', ['a']));
    const bound = await server.http('POST', `${pods}/free/binding`, binding('free'));
    expect(bound.json).toMatchObject({ kind: 'Status', status: 'Success', code: 201 });
    const { json } = await server.http('GET', `${pods}/free`);
    expect(json).toMatchObject({
      metadata: { annotations: { by: 'scheduler' }, generation: 1 },
      spec: { nodeName: 'n' },
      status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    expect((await server.http('POST', `${pods}/free/binding`, binding('free'))).json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Operation cannot be fulfilled on pods/binding "free": pod free is already assigned to node "n"',
    });
  });

  test('can be asked for by creating a Binding, which is kept nowhere', async () => {
    await create(pods, pod('old-way', ['a']));
    expect((await server.http('POST', '/api/v1/namespaces/default/bindings', binding('old-way'))).status).toBe(201);
    expect((await server.http('GET', `${pods}/old-way`)).json.spec.nodeName).toBe('n');
  });

  test.each([
    ['homeless', binding('other'), 400, 'name in URL does not match name in Binding object'],
    ['homeless', binding('homeless', { kind: 'Pod', name: 'n' }), 422, 'Unsupported value: "Pod"'],
    ['nobody', binding('nobody'), 404, 'pods "nobody" not found'],
  ])('of %s is refused (%#)', async (name, body, code, message) => {
    const { json } = await server.http('POST', `${pods}/${name}/binding`, body);
    expect(json.code).toBe(code);
    expect(json.message).toContain(message);
  });
});

describe('eviction', () => {
  const eviction = (name: string, deleteOptions?: object): object => ({
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name },
    deleteOptions,
  });

  test('deletes the pod, and a dry run does not', async () => {
    await create(pods, pod('leaving', ['a']));
    expect((await server.http('POST', `${pods}/leaving/eviction?dryRun=All`, eviction('leaving'))).status).toBe(201);
    expect((await server.http('GET', `${pods}/leaving`)).status).toBe(200);
    expect((await server.http('POST', `${pods}/leaving/eviction`, eviction('leaving', { gracePeriodSeconds: 0 }))).json.status).toBe(
      'Success',
    );
    expect((await server.http('GET', `${pods}/leaving`)).status).toBe(404);
  });

  test("of another name than the path's is a bad request", async () => {
    expect((await server.http('POST', `${pods}/p/eviction`, eviction('q'))).json).toMatchObject({ code: 400 });
  });
});

describe('tokens', () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const request = (spec: object): object => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });

  beforeAll(() => create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa' } }));

  test('are for the API server and an hour when nobody says otherwise', async () => {
    const { json } = await server.http('POST', `${accounts}/sa/token`, request({}));
    expect(json).toMatchObject({ kind: 'TokenRequest', spec: { audiences: ['https://issuer'], expirationSeconds: 3600 } });
    const claims = JSON.parse(json.status.token);
    expect(claims).toMatchObject({ sub: 'system:serviceaccount:default:sa', aud: ['https://issuer'] });
    expect(claims.exp - claims.iat).toBe(3600);
  });

  test("are bound to a pod and its node, and live long when a pod's volume asks", async () => {
    const bound = { ...pod('bound', ['a'], 'n') } as { spec: object };
    bound.spec = { ...bound.spec, serviceAccountName: 'sa' };
    await create(pods, bound);
    const { json } = await server.http(
      'POST',
      `${accounts}/sa/token`,
      request({ expirationSeconds: 3607, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'bound' } }),
    );
    const claims = JSON.parse(json.status.token);
    expect(claims['kubernetes.io']).toMatchObject({ pod: { name: 'bound' }, node: { name: 'n' }, warnafter: claims.iat + 3607 });
    expect(claims.exp - claims.iat).toBe(31_536_000);
    expect(Date.parse(json.status.expirationTimestamp) / 1000 - claims.iat).toBe(3607);
  });

  test.each([
    [{ expirationSeconds: 10 }, 422, 'spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes'],
    [
      { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' } },
      400,
      'cannot bind token for serviceaccount "sa" to pod running with different serviceaccount name.',
    ],
    [
      { boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'c' } },
      400,
      'cannot bind token to object of type /v1, Kind=ConfigMap',
    ],
    [{ boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 'nothing' } }, 404, 'secrets "nothing" not found'],
  ])('are refused (%#)', async (spec, code, message) => {
    const { json } = await server.http('POST', `${accounts}/sa/token`, request(spec));
    expect(json.code).toBe(code);
    expect(json.message).toContain(message);
  });
});

test('the issuer of tokens and its keys are where OpenID Connect expects them', async () => {
  expect((await server.http('GET', '/.well-known/openid-configuration')).json).toEqual({
    issuer: 'https://issuer',
    jwks_uri: 'https://127.0.0.1:6443/openid/v1/jwks',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  });
  const { headers, json } = await server.http('GET', '/openid/v1/jwks');
  expect([headers['content-type'], json]).toEqual(['application/jwk-set+json', { keys: [] }]);
});

test('discovery tells of the subresources that are answered', async () => {
  const names = (await server.http('GET', '/api/v1')).json.resources.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['pods/exec', 'pods/log', 'pods/eviction', 'serviceaccounts/token']));
  for (const name of names.filter((one: string) => one.startsWith('pods/'))) {
    const { status } = await server.http('GET', `${pods}/p/${name.slice('pods/'.length)}`);
    expect([name, status]).not.toEqual([name, 404]);
  }
});
