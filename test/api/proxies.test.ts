/**
 * Where the API server lets itself be sent: whoever writes pods, endpoints or nodes names addresses, and none of them may lead to what
 * listens on the server's own machine or link, nor to somebody who is not who they were taken for.
 */
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExtensionFactory } from '../../src/apiserver/index.ts';
import { createTestAuthority } from './certificates.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

let server: TestServer;
/** The same, where kubelets may stand on loopback. */
let lenient: TestServer;
let kubeletTls = { ca: undefined as string | undefined, cert: '', key: '' };
const closers: (() => void)[] = [];

beforeAll(async () => {
  server = await startTestServer({ extensions: extensions(false) });
  lenient = await startTestServer({ extensions: extensions(true) });
  const { authority } = server;
  kubeletTls = { ca: authority.ca, ...(await authority.client({ name: 'kube-apiserver-kubelet-client', groups: ['system:masters'] })) };
});
afterAll(async () => {
  for (const close of closers) close();
  await server.close();
  await lenient.close();
});

function extensions(kubeletsOnLoopback: boolean): ExtensionFactory[] {
  return testExtensions({
    subresources: {
      kubeletTls: () => kubeletTls,
      kubeletsOnLoopback,
      signer: { issuer: 'https://issuer', audiences: ['https://issuer'], sign: (claims) => JSON.stringify(claims) },
    },
  });
}

/** Addresses that are somebody's own, in every form that means one of them. */
const forbidden = [
  '127.0.0.1',
  '127.8.9.10',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:127.0.0.1',
  '0.0.0.0',
  '::',
  '::ffff:0.0.0.0',
  '169.254.169.254',
  '::ffff:169.254.169.254',
  'fe80::1',
  '224.0.0.1',
  '239.255.255.255',
  'ff02::1',
  'ff0e::1',
  '255.255.255.255',
];

const pods = '/api/v1/namespaces/default/pods';
let count = 0;

async function created(path: string, object: object, at = server): Promise<void> {
  const { status, text } = await at.http('POST', path, object);
  if (status !== 201) throw new Error(text);
}

async function podAt(ip: string): Promise<string> {
  const name = `pod-${count++}`;
  const object = { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] } };
  await created(pods, object);
  const { status, text } = await server.http(
    'PATCH',
    `${pods}/${name}/status`,
    { status: { podIPs: [{ ip }], podIP: ip } },
    { headers: { 'content-type': 'application/merge-patch+json' } },
  );
  if (status !== 200) throw new Error(text);
  return name;
}

async function nodeAt(
  addresses: readonly { readonly type: string; readonly address: string }[],
  port = 10_250,
  at = server,
): Promise<string> {
  const name = `node-${count++}`;
  await created('/api/v1/nodes', { metadata: { name }, status: { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } } }, at);
  return name;
}

const notAllowed = [400, 'BadRequest', 'address not allowed'];

describe('pods', () => {
  test.each(forbidden)('at %s are not proxied to', async (ip) => {
    const name = await podAt(ip);
    for (const id of [name, `${name}:6443`, `https:${name}:6443`]) {
      const { json } = await server.http('GET', `${pods}/${id}/proxy/x`);
      expect([json.code, json.reason, json.message]).toEqual(notAllowed);
    }
  });

  test('without an address are not proxied to', async () => {
    await created(pods, { metadata: { name: 'nowhere' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    expect((await server.http('GET', `${pods}/nowhere/proxy/x`)).json.message).toBe('address not allowed');
  });

  test('are not left by paths or by a host of the client', async () => {
    const name = await podAt('127.0.0.1');
    for (const path of ['/@127.0.0.1:1/', '//127.0.0.1/', '/%2f%2f127.0.0.1', '/http://127.0.0.1/']) {
      const { status } = await server.http('GET', `${pods}/${name}/proxy${path}`, undefined, { headers: { host: '169.254.169.254' } });
      expect(status).toBe(400);
    }
  });
});

describe('services', () => {
  const services = '/api/v1/namespaces/default/services';
  const endpoints = '/api/v1/namespaces/default/endpoints';

  async function serviceAt(address: object): Promise<string> {
    const name = `service-${count++}`;
    await created(services, { metadata: { name }, spec: { ports: [{ port: 80 }] } });
    await created(endpoints, { metadata: { name }, subsets: [{ addresses: [address], ports: [{ port: 80 }] }] });
    return name;
  }

  test.each(['127.0.0.1', '::1', '169.254.169.254', 'fe80::1', '224.0.0.1', '0.0.0.0'])(
    'cannot be given the endpoint %s by hand',
    async (ip) => {
      const object = { metadata: { name: `by-hand-${count++}` }, subsets: [{ addresses: [{ ip }], ports: [{ port: 80 }] }] };
      expect((await server.http('POST', endpoints, object)).status).toBe(422);
    },
  );

  test.each([
    ['an address that is no pod', { ip: '10.1.2.3' }],
    ["a pod's name with another address", { ip: '10.1.2.3', targetRef: { kind: 'Pod', namespace: 'default', name: 'other' } }],
    ['something that is no pod', { ip: '10.9.9.9', targetRef: { kind: 'Node', namespace: 'default', name: 'other' } }],
  ])('are not proxied to %s', async (_title, address) => {
    const pod = await podAt('10.9.9.9');
    const targetRef = 'targetRef' in address ? { ...address.targetRef, name: pod } : undefined;
    const name = await serviceAt({ ...address, ...(targetRef && { targetRef }) });
    const { json } = await server.http('GET', `${services}/${name}/proxy/`);
    expect([json.code, json.message]).toEqual([503, `no endpoints available for service "${name}"`]);
  });

  test.each(['localhost', 'loopback.example', 'metadata.example'])('of a foreign name (%s) lead nowhere', async (externalName) => {
    const name = `external-${count++}`;
    await created(services, { metadata: { name }, spec: { type: 'ExternalName', externalName, ports: [{ port: 80 }] } });
    const { json } = await server.http('GET', `${services}/${name}:80/proxy/`);
    expect([json.code, json.message]).toEqual([404, `endpoints "${name}" not found`]);
  });
});

describe('nodes', () => {
  const names = ['localhost', '127.1', '2130706433', '0x7f000001', '0127.0.0.1', 'fe80::1%lo', '127.0.0.1%lo'];

  test.each([...forbidden, ...names])('at %s are not proxied to, at no port', async (address) => {
    const type = names.includes(address) ? 'Hostname' : 'InternalIP';
    const name = await nodeAt([{ type, address }], server.port);
    for (const id of [name, `${name}:22`, `https:${name}:${server.port}`]) {
      const { json } = await server.http('GET', `/api/v1/nodes/${id}/proxy/api/v1/secrets`);
      expect([id, json.code, json.reason, json.message]).toEqual([
        id,
        400,
        'BadRequest',
        expect.stringMatching(address.endsWith('%lo') ? /^(?:address not allowed|lookup .*: no such host)$/ : /^address not allowed$/),
      ]);
    }
  });

  test('that are at nobody are told from those that are not allowed', async () => {
    const name = await nodeAt([{ type: 'Hostname', address: 'nobody.invalid' }]);
    const { json } = await server.http('GET', `/api/v1/nodes/${name}/proxy/`);
    expect([json.code, json.message]).toEqual([400, 'lookup nobody.invalid: no such host']);
  });

  test('logs and streams do not go there either', async () => {
    const name = await nodeAt([{ type: 'InternalIP', address: '169.254.169.254' }]);
    const pod = `on-${name}`;
    await created(pods, { metadata: { name: pod }, spec: { nodeName: name, containers: [{ name: 'c', image: 'i' }] } });
    for (const path of [`${pods}/${pod}/log`, `${pods}/${pod}/log?insecureSkipTLSVerifyBackend=true`]) {
      const { json } = await server.http('GET', path);
      expect([json.code, json.reason, json.message]).toEqual(notAllowed);
    }
    const upgrade = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };
    const { json } = await server.http('POST', `${pods}/${pod}/exec?command=x&stdout=1`, undefined, { headers: upgrade });
    expect([json.code, json.reason, json.message]).toEqual(notAllowed);
  });

  async function standIn(tls: { readonly cert: string; readonly key: string }, seen: string[]): Promise<number> {
    const kubelet: Server = createServer(tls, (request, response) => {
      seen.push(request.url ?? '');
      response.end('hello');
    });
    kubelet.listen(0, '127.0.0.1');
    await once(kubelet, 'listening');
    closers.push(() => kubelet.close());
    return (kubelet.address() as AddressInfo).port;
  }

  test("answer with their own kubelet's certificate, and with no other", async () => {
    const { authority } = server;
    const stranger = await createTestAuthority('somebody-else');
    const own = `node-${count}`;
    const rows: [string, { readonly cert: string; readonly key: string }, RegExp | undefined][] = [
      ['its own', await authority.kubelet(own), undefined],
      ["another node's", await authority.kubelet('other'), /certificate is valid for system:node:other, not system:node:/],
      ["the API server's", authority.server, /certificate is valid for kube-apiserver, not system:node:/],
      ['of an authority that nobody trusts', await stranger.kubelet(own), /self-signed certificate|unable to verify|unable to get/],
    ];
    for (const [title, tls, refusal] of rows) {
      const seen: string[] = [];
      const name = await nodeAt([{ type: 'InternalIP', address: '127.0.0.1' }], await standIn(tls, seen), lenient);
      const certificateName = title === 'its own' ? own : name;
      const { status, text } = await lenient.http('GET', `/api/v1/nodes/${certificateName}/proxy/metrics`);
      if (refusal) expect([title, status, text]).toEqual([title, 503, expect.stringMatching(refusal)]);
      else expect([title, status, text]).toEqual([title, 200, 'hello']);
      expect(seen).toHaveLength(refusal ? 0 : 1);
    }
  });

  test('cannot be the API server itself, which would believe its own certificate', async () => {
    const name = await nodeAt([{ type: 'InternalIP', address: '127.0.0.1' }], lenient.port, lenient);
    const { status, text } = await lenient.http('GET', `/api/v1/nodes/${name}/proxy/api/v1/namespaces/kube-system/secrets`);
    expect([status, text]).toEqual([503, expect.stringContaining('certificate is valid for kube-apiserver')]);
  });
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

describe.skipIf(outside === undefined)('a backend (skipped on a machine that has loopback only)', () => {
  async function backend(listener: RequestListener, host: string): Promise<number> {
    const made = createHttpServer(listener);
    made.listen(0, host);
    await once(made, 'listening');
    closers.push(() => made.close());
    return (made.address() as AddressInfo).port;
  }

  test('that sends elsewhere is not followed, and gets no credentials', async () => {
    let hidden = 0;
    const secret = await backend((_request, response) => {
      hidden++;
      response.end('secret');
    }, '127.0.0.1');
    const headers: Record<string, unknown>[] = [];
    const port = await backend((request, response) => {
      headers.push(request.headers);
      response.writeHead(307, { location: `http://127.0.0.1:${secret}/x` }).end();
    }, outside!);
    const name = await podAt(outside!);
    const answer = await server.http('GET', `${pods}/${name}:${port}/proxy/x`, undefined, {
      headers: {
        authorization: 'Bearer mine',
        'x-remote-user': 'root',
        'impersonate-user': 'kubernetes-admin',
        'impersonate-group': 'system:masters',
      },
    });
    expect([answer.status, answer.headers.location, hidden]).toEqual([307, `http://127.0.0.1:${secret}/x`, 0]);
    expect(Object.keys(headers[0]!).filter((header) => /^(?:authorization|x-remote|impersonate)/.test(header))).toEqual([]);
  });
});
