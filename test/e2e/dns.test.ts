/** Names as pods of two nodes see them, in a cluster of its own: its Corefile is changed, its resolvers fail, its nodes and agents go. */
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts';
import { type DnsServer, startDnsServer } from '../../src/dns/index.ts';
import { buildNetexecImage, buildToolboxImage, netexec, toolbox } from './images.ts';
import { unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';

const limit = { timeout: 60_000, interval: 250 };
const domain = 'default.svc.cluster.local';
const manyAddresses = Array.from({ length: 400 }, (_, index) => `192.0.${index >> 8}.${index & 255}`);

interface Found {
  readonly addresses?: readonly string[];
  readonly records?: readonly unknown[];
  readonly error?: string;
}

function pod(name: string, nodeName: string): object {
  const spec = {
    nodeName,
    hostname: `db-${name}`,
    subdomain: 'db',
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: netexec }],
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'db' } }, spec };
}

function service(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

describe.skipIf(unavailable)('DNS of two nodes', () => {
  let cluster: OwnCluster;
  /** The machine, as nodes see it. */
  let host: string;
  let usual: string;
  let upstream: DnsServer;
  const resolve = async (from: string, name: string, type = ''): Promise<Found> => {
    const page = `/api/v1/namespaces/default/pods/${from}:8080/proxy/resolve?name=${name}&type=${type}`;
    return JSON.parse(await cluster.kubectl(['get', '--raw', page])) as Found;
  };
  const apply = (...items: object[]): Promise<string> =>
    cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const configure = (corefile: string): Promise<string> =>
    cluster.kubectl([
      '-n',
      'kube-system',
      'patch',
      'configmap',
      'coredns',
      '--type=merge',
      '-p',
      JSON.stringify({ data: { Corefile: corefile } }),
    ]);
  const startUpstream = (port: number): Promise<DnsServer> => {
    const corefile = 'corp.example:53 {\n  hosts {\n    192.0.2.1 db.corp.example\n  }\n}\n';
    return startDnsServer({
      addresses: [host],
      port,
      corefile,
      nodeResolvers: [],
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    });
  };
  const stub = (): string => `${usual}corp.example:53 {\n  forward . ${host}:${upstream.port}\n}\n`;
  /** `name ready` of each node in the Service's slice. */
  const endpoints = async (): Promise<string[]> => {
    const path = '{range .endpoints[*]}{.nodeName} {.conditions.ready}{"\\n"}{end}';
    return (await cluster.kubectl(['-n', 'kube-system', 'get', 'endpointslice', 'kube-dns', '-o', `jsonpath=${path}`])).trim().split('\n');
  };
  const node = (index: number): string => `${cluster.name}-${index}`;

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `y${process.pid}` });
    await cluster.up('--nodes', '2', '--wait');
    await buildToolboxImage(cluster.home, cluster.name);
    await buildNetexecImage(cluster.home, cluster.name);
    const routes = await run(['nsenter', `--net=/run/netns/knarr-${node(1)}`, 'ip', '-4', 'route', 'show', 'default']);
    host = /via (\S+)/.exec(routes.stdout)![1]!;
    upstream = await startUpstream(0);
    usual = await cluster.kubectl(['-n', 'kube-system', 'get', 'configmap', 'coredns', '-o', 'jsonpath={.data.Corefile}']);
    const ports = [{ name: 'http', port: 8080 }];
    await apply(
      pod('one', node(1)),
      pod('two', node(2)),
      service('web', { selector: { app: 'db' }, ports }),
      service('db', { clusterIP: 'None', selector: { app: 'db' }, ports }),
      service('alias', { type: 'ExternalName', externalName: `web.${domain}` }),
      service('many', { clusterIP: 'None', ports }),
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'many', labels: { 'kubernetes.io/service-name': 'many' } },
        addressType: 'IPv4',
        ports,
        endpoints: manyAddresses.map((address) => ({ addresses: [address] })),
      },
    );
    await cluster.kubectl(['wait', 'pod/one', 'pod/two', '--for=condition=Ready', '--timeout=60s']);
  });
  afterAll(async () => {
    await upstream?.close();
    await cluster?.remove();
  });

  test('names of every kind lead where they should, from either node', async () => {
    const ipOf = (kind: string, name: string, path: string): Promise<string> =>
      cluster.kubectl(['get', kind, name, '-o', `jsonpath={${path}}`]);
    const web = await ipOf('service', 'web', '.spec.clusterIP');
    const pods = { one: await ipOf('pod', 'one', '.status.podIP'), two: await ipOf('pod', 'two', '.status.podIP') };
    for (const from of ['one', 'two']) {
      for (const name of ['web', 'web.default', 'web.default.svc', `web.${domain}`, 'alias'])
        await expect.poll(() => resolve(from, name), limit).toEqual({ addresses: [web] });
      await expect
        .poll(async () => (await resolve(from, `db.${domain}`, 'A')).records?.toSorted(), limit)
        .toEqual([pods.one, pods.two].toSorted());
      expect(await resolve(from, `db-two.db.${domain}`, 'A')).toEqual({ records: [pods.two] });
      expect((await resolve(from, `_http._tcp.db.${domain}`, 'SRV')).records).toHaveLength(2);
      expect((await resolve(from, `_http._tcp.web.${domain}`, 'SRV')).records).toMatchObject([{ name: `web.${domain}`, port: 8080 }]);
      expect(await resolve(from, web, 'PTR')).toEqual({ records: [`web.${domain}`] });
      // A pod's own address it finds in its hosts file.
      const other = from === 'one' ? 'two' : 'one';
      expect(await resolve(from, pods[other], 'PTR')).toEqual({ records: [`db-${other}.db.${domain}`] });
      expect(await resolve(from, `alias.${domain}`, 'CNAME')).toEqual({ records: [`web.${domain}`] });
      expect(await resolve(from, `nobody.${domain}`, 'A')).toEqual({ error: 'ENOTFOUND' });
    }
  });

  test('an answer that fits into no datagram comes over a connection', async () => {
    const { records = [] } = await resolve('one', `many.${domain}`, 'A');
    expect(new Set(records)).toEqual(new Set(manyAddresses));
  });

  test('a stub domain is in use on every node as soon as the ConfigMap has it', async () => {
    await configure(stub());
    for (const from of ['one', 'two'])
      await expect.poll(() => resolve(from, 'db.corp.example', 'A'), limit).toEqual({ records: ['192.0.2.1'] });
  });

  test('a Corefile with a fault is told of in an event, and the one before stays in use', async () => {
    await configure(`${stub()}other.example:53 {\n  nonsense\n}\n`);
    const line = stub().split('\n').length + 1;
    const events = ['-n', 'kube-system', 'get', 'events', '--field-selector=reason=InvalidCorefile', '-o', 'jsonpath={.items[*].message}'];
    await expect
      .poll(() => cluster.kubectl(events), limit)
      .toContain(`Corefile:${line}: plugin 'nonsense' is not supported; the Corefile before stays in use`);
    for (const from of ['one', 'two']) expect(await resolve(from, 'db.corp.example', 'A')).toEqual({ records: ['192.0.2.1'] });
    await configure(stub());
  });

  test('while a resolver is silent, names of the cluster are answered at once and others fail in time; when it is back, so are they', async () => {
    const { port } = upstream;
    await upstream.close();
    const silent = await deaf(host, port);
    try {
      const began = performance.now();
      const failing = Promise.all(['a', 'b', 'c'].map((name) => resolve('one', `${name}.corp.example`, 'A')));
      for (let i = 0; i < 10; i++) {
        const asked = performance.now();
        expect(await resolve('one', `web.${domain}`, 'A')).toHaveProperty('records');
        // A second stands for "at once" on a machine that is busy; a question to the resolver takes two.
        expect(performance.now() - asked).toBeLessThan(1900);
      }
      for (const { error } of await failing) expect(error).toMatch(/^E(SERVFAIL|TIMEOUT)$/);
      expect(performance.now() - began).toBeLessThan(30_000);
    } finally {
      await new Promise<void>((closed) => silent.close(() => closed()));
    }
    upstream = await startUpstream(port);
    await expect.poll(() => resolve('one', 'db.corp.example', 'A'), limit).toEqual({ records: ['192.0.2.1'] });
  });

  test('an agent that is stuck loses its place in the Service and gets it back; one that is killed answers again', async () => {
    await expect.poll(endpoints, limit).toEqual([`${node(1)} true`, `${node(2)} true`]);
    const pid = await cluster.pid('agent-2');
    process.kill(pid, 'SIGSTOP');
    try {
      await expect.poll(endpoints, limit).toEqual([`${node(1)} true`, `${node(2)} false`]);
      expect(await resolve('one', `web.${domain}`, 'A')).toHaveProperty('records');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await expect.poll(endpoints, limit).toEqual([`${node(1)} true`, `${node(2)} true`]);
    process.kill(await cluster.pid('agent-1'), 'SIGKILL');
    await expect.poll(() => resolve('one', 'db.corp.example', 'A').catch(String), limit).toEqual({ records: ['192.0.2.1'] });
    expect(await resolve('one', `web.${domain}`, 'A')).toHaveProperty('records');
  });

  test('a node that loses power takes no name with it: pods of the other one resolve on without a failure', async () => {
    await expect.poll(() => cluster.whole(), limit).toBe(true);
    const script = `while :; do nslookup web.${domain}. >/dev/null 2>&1 && echo ok || echo failed; sleep 0.1; done`;
    const spec = {
      nodeName: node(1),
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: toolbox, args: ['-c', script] }],
    };
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asking' }, spec });
    const answers = async (): Promise<string[]> => (await cluster.kubectl(['logs', 'asking'])).trim().split('\n');
    await expect.poll(async () => (await answers().catch((): string[] => [])).length, limit).toBeGreaterThan(5);
    await cluster.knarr(['node', 'stop', node(2)]);
    await expect.poll(endpoints, limit).toEqual([`${node(1)} true`, `${node(2)} false`]);
    const before = (await answers()).length;
    await expect.poll(async () => (await answers()).length, limit).toBeGreaterThan(before + 5);
    expect(new Set(await answers())).toEqual(new Set(['ok']));
    await cluster.knarr(['node', 'start', node(2)]);
    await expect.poll(endpoints, limit).toEqual([`${node(1)} true`, `${node(2)} true`]);
    await expect.poll(() => resolve('two', `web.${domain}`, 'A').catch(String), limit).toHaveProperty('records');
  });
});

/** Takes every question and answers none. */
function deaf(address: string, port: number): Promise<Socket> {
  return new Promise((listening, failed) => {
    const socket = createSocket('udp4').on('error', failed);
    socket.bind(port, address, () => listening(socket));
  });
}
