import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/index.ts';
import { CertificateAuthority } from '../../../src/pki/index.ts';
import { netexec, netexecProgram } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

/** Requests to each address: upstream's number. */
const attempts = 20;

describe.skipIf(unavailable)('network/proxy', () => {
  const cluster = useCluster('conformance-proxy');
  const path = (rest: string): string => cluster.path('v1', rest);
  /** A pod that serves what its environment says, with a Service in front; resolves when both answer. */
  const serve = async (name: string, { env, args, ports, containerPorts }: Json): Promise<void> => {
    await cluster.api('POST', path('pods'), {
      metadata: { name, labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'main',
            image: netexec,
            args: [netexecProgram, ...args],
            env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
            ports: containerPorts,
            readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    });
    await cluster.api('POST', path('services'), { metadata: { name }, spec: { selector: { app: name }, ports } });
    await eventually(async () => {
      const { subsets } = await cluster.api('GET', path(`endpoints/${name}`));
      expect(subsets?.[0]?.addresses).toHaveLength(1);
    });
  };
  const methods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
  const answersMethod = (method: string, url: string): Promise<void> =>
    eventually(async () => {
      const answer = await cluster.request(method, url);
      expect(answer.status).toBe(200);
      if (method !== 'HEAD') expect(answer.json).toEqual({ Method: method, Body: 'foo' });
    });
  const serveMethods = (name: string): Promise<void> =>
    serve(name, {
      args: ['--json-response'],
      env: { SERVE_PORT_80: 'foo' },
      containerPorts: [{ containerPort: 80 }],
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
    });

  test('Proxy through apiserver to a Service', async () => {
    const authority = await CertificateAuthority.create({ commonName: 'proxy-test', clock: systemClock });
    const { certificate, key } = await authority.issue({ subject: { commonName: 'localhost' }, usage: 'server', dnsNames: ['localhost'] });
    await serve('porter', {
      args: [],
      env: {
        SERVE_PORT_80: '<a href="/rewriteme">test</a>',
        SERVE_PORT_1080: '<a href="/rewriteme">test</a>',
        SERVE_PORT_160: 'foo',
        SERVE_PORT_162: 'bar',
        SERVE_TLS_PORT_443: '<a href="/tlsrewriteme">test</a>',
        SERVE_TLS_PORT_460: 'tls baz',
        SERVE_TLS_PORT_462: 'tls qux',
        TLS_CERT: certificate,
        TLS_KEY: key,
      },
      containerPorts: [
        { containerPort: 80 },
        { name: 'dest1', containerPort: 160 },
        { name: 'dest2', containerPort: 162 },
        { name: 'tlsdest1', containerPort: 460 },
        { name: 'tlsdest2', containerPort: 462 },
      ],
      ports: [
        { name: 'portname1', port: 80, targetPort: 'dest1' },
        { name: 'portname2', port: 81, targetPort: 162 },
        { name: 'tlsportname1', port: 443, targetPort: 'tlsdest1' },
        { name: 'tlsportname2', port: 444, targetPort: 462 },
      ],
    });
    const service = (scheme: string, port: string): string => path(`services/${scheme ? `${scheme}:` : ''}porter:${port}/proxy`);
    const pod = (scheme: string, port: string): string =>
      path(`pods/${scheme ? `${scheme}:` : ''}porter${port || scheme ? `:${port}` : ''}/proxy`);
    const link = (at: string, page: string): string => `<a href="${at}/${page}">test</a>`;
    const expected: readonly (readonly [string, string])[] = [
      [service('', 'portname1'), 'foo'],
      [service('http', 'portname1'), 'foo'],
      [service('', 'portname2'), 'bar'],
      [service('http', 'portname2'), 'bar'],
      [service('https', 'tlsportname1'), 'tls baz'],
      [service('https', 'tlsportname2'), 'tls qux'],
      [pod('', ''), link(pod('', ''), 'rewriteme')],
      [pod('', '1080'), link(pod('', '1080'), 'rewriteme')],
      [pod('http', '1080'), link(pod('http', '1080'), 'rewriteme')],
      [pod('', '160'), 'foo'],
      [pod('http', '160'), 'foo'],
      [pod('', '162'), 'bar'],
      [pod('http', '162'), 'bar'],
      [pod('https', '443'), link(pod('https', '443'), 'tlsrewriteme')],
      [pod('https', '460'), 'tls baz'],
      [pod('https', '462'), 'tls qux'],
    ];
    await eventually(async () => expect((await cluster.request('GET', `${service('', 'portname1')}/`)).text).toBe('foo'));
    for (let attempt = 0; attempt < attempts; attempt++) {
      const answers = await Promise.all(expected.map(([at]) => cluster.request('GET', `${at}/`)));
      expect(answers.map(({ status, text }) => [status, text])).toEqual(expected.map(([, text]) => [200, text]));
    }
  });

  test('Proxy, validate ProxyWithPath responses', async () => {
    await serveMethods('with-path');
    for (const target of ['pods', 'services']) {
      for (const method of methods) await answersMethod(method, path(`${target}/with-path/proxy/some/path/with/${method}`));
    }
  });

  test('Proxy, validate Proxy responses', async () => {
    await serveMethods('without-path');
    const redirected = new Set(['GET', 'HEAD']);
    for (const target of ['pods', 'services']) {
      const url = path(`${target}/without-path/proxy?method=`);
      for (const method of methods.filter((one) => !redirected.has(one))) await answersMethod(method, url + method);
      for (const method of redirected) expect((await cluster.request(method, url + method)).status).toBe(301);
    }
  });
});
