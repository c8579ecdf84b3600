/**
 * A cluster with IPv4 and IPv6 on two nodes: what the API shows of both, and traffic in both from pods and from the machine. Its host is a
 * network namespace that the test made, so that whatever stands there afterwards is the cluster's.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { buildNetexecImage, netexec, netexecProgram } from './images.ts';
import { unavailable } from './kubectl.ts';
import { nothing, OwnCluster } from './own-cluster.ts';

// Tests look into objects of any shape.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;

const netns = `dsk-host-${process.pid}`;
const patience = { timeout: 60_000, interval: 200 };
const inHost = async (...command: string[]): Promise<string> => (await run(['nsenter', `--net=/run/netns/${netns}`, ...command])).stdout;

/** All that a host's network has, and whether it takes routes from its uplink. */
async function hostNetwork(): Promise<string> {
  const settings = ['all/forwarding', 'default/forwarding', 'uplink/forwarding', 'uplink/accept_ra'];
  const parts = [
    ['ip', '-o', 'link'],
    ['ip', '-4', 'route', 'show', 'table', 'all'],
    ['ip', '-6', 'route', 'show', 'table', 'all'],
    ['nft', 'list', 'ruleset'],
    ['sh', '-c', `cd /proc/sys/net/ipv6/conf && grep . ${settings.join(' ')} ../../ipv4/ip_forward`],
  ];
  return (await Promise.all(parts.map((part) => inHost(...part)))).join('');
}

/** Tells who answers at each URL; an error by its name. */
const fetchAll = `Promise.all(process.argv.slice(1).map((url) => fetch(url, { signal: AbortSignal.timeout(4000) })
  .then((answer) => answer.text(), (error) => String(error.cause?.code ?? error.name)))).then((all) => console.log(JSON.stringify(all)))`;

/** Whether the certificate at each address:port is one for that address. */
const trustAll = `const [ca, port, ...hosts] = process.argv.slice(1);
Promise.all(hosts.map((host) => new Promise((resolve) => {
  const socket = require('node:tls').connect({ host, port, ca: require('node:fs').readFileSync(ca) }, () => resolve(socket.destroy() && socket.authorized));
  socket.on('error', (error) => resolve(String(error.code)));
}))).then((all) => console.log(JSON.stringify(all)))`;

const resolveAll = `const dns = require('node:dns').promises;
const [name, ...ips] = process.argv.slice(1);
Promise.all([dns.resolve4(name), dns.resolve6(name), ...ips.map((ip) => dns.reverse(ip))]).then((all) => console.log(JSON.stringify(all)))`;

describe.skipIf(unavailable)('a cluster of both address families', () => {
  let cluster: OwnCluster;
  let before: string;
  const get = async (...what: string[]): Promise<Json> => JSON.parse(await cluster.kubectl(['get', ...what, '-o', 'json']));
  const apply = (object: Json): Promise<string> => cluster.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  const inPod = async (pod: string, script: string, ...args: readonly string[]): Promise<Json> =>
    JSON.parse(await cluster.kubectl(['exec', pod, '--', '/bin/node', '-e', script, ...args]));
  const onHost = async (script: string, ...args: readonly string[]): Promise<Json> =>
    JSON.parse(await inHost(process.execPath, '-e', script, ...args));
  const node = (index: number): string => `${cluster.name}-${index}`;
  const addressesOf = async (index: number): Promise<string[]> =>
    (await get('node', node(index))).status.addresses.filter(({ type }: Json) => type === 'InternalIP').map(({ address }: Json) => address);
  const podIps = async (pod: string): Promise<string[]> => (await get('pod', pod)).status.podIPs.map(({ ip }: Json) => ip);
  const url = (ip: string, port: number, path = 'hostname'): string => `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}/${path}`;
  const createPod = (name: string, index: number, spec: Json = {}): Promise<string> => {
    const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 };
    const fieldEnv = ['podIPs', 'hostIPs'].map((field) => ({ name: field, valueFrom: { fieldRef: { fieldPath: `status.${field}` } } }));
    const container = { name: 'main', image: netexec, args: [netexecProgram], readinessProbe: probe, env: fieldEnv };
    const labels = { app: name.replace(/-\d$/, '') };
    return apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels },
      spec: { nodeName: node(index), terminationGracePeriodSeconds: 0, containers: [container], ...spec },
    });
  };
  const createService = (name: string, spec: Json): Promise<string> => {
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
    return apply({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: 'web' }, ports, ...spec } });
  };

  beforeAll(async () => {
    if (unavailable) return;
    const links = ['set lo up', 'add uplink type bridge', 'set uplink addrgenmode none', 'set uplink up'];
    const raise = links.map((link) => `ip -n ${netns} link ${link}`).join('; ');
    await run(['sh', '-ec', `ip netns add ${netns}; ${raise}`]);
    before = await hostNetwork();
    expect(before).toContain('uplink/accept_ra:1');
    cluster = new OwnCluster({ name: `d${process.pid}`, netns });
    await cluster.up('--wait', '--nodes', '2', '--ip-family', 'dual');
    await buildNetexecImage(cluster.home, cluster.name);
    await Promise.all([createPod('web-1', 1), createPod('web-2', 2)]);
    await createService('both', { type: 'NodePort', ipFamilyPolicy: 'PreferDualStack' });
    await createService('six', { ipFamilies: ['IPv6'] });
    await createService('headless', { clusterIP: 'None', ipFamilyPolicy: 'RequireDualStack' });
    await cluster.kubectl(['wait', 'pod', '--all', '--for=condition=Ready', '--timeout=60s']);
  });
  afterAll(async () => {
    if (unavailable) return;
    await cluster?.remove();
    await run(['ip', 'netns', 'del', netns]);
  });

  test('nodes have an address and a pod range of each family, and certificates for both', async () => {
    const { items } = await get('nodes');
    for (const { spec, status } of items) {
      const addresses = status.addresses.filter(({ type }: Json) => type === 'InternalIP').map(({ address }: Json) => address);
      expect(addresses).toEqual([expect.stringMatching(/^10\./), expect.stringMatching(/^fd.*::1[12]$/)]);
      expect(spec.podCIDRs).toEqual([expect.stringMatching(/^10\..*\/24$/), expect.stringMatching(/^fd.*::\/64$/)]);
      const ca = join(cluster.directory, 'pki/ca.crt');
      expect(await onHost(trustAll, ca, '10250', ...addresses)).toEqual([true, true]);
    }
    const { network, apiPort } = JSON.parse(await inHost('cat', join(cluster.directory, 'cluster.json')));
    const hosts = [network.hostIp, network.ipv6.hostIp];
    expect(await onHost(trustAll, join(cluster.directory, 'pki/ca.crt'), String(apiPort), ...hosts)).toEqual([true, true]);
  });

  test('the API keeps ranges and addresses of both families', async () => {
    const { network } = JSON.parse(await inHost('cat', join(cluster.directory, 'cluster.json')));
    expect((await get('servicecidr', 'kubernetes')).spec.cidrs).toEqual([network.serviceCidr, network.ipv6.serviceCidr]);
    const { spec } = await get('service', 'both');
    expect(spec).toMatchObject({ ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] });
    expect(spec.clusterIPs).toEqual([expect.stringMatching(/^10\./), expect.stringMatching(/^fd.*:96::/)]);
    for (const ip of spec.clusterIPs)
      expect((await get('ipaddress', ip)).spec.parentRef).toEqual({ resource: 'services', namespace: 'default', name: 'both' });
    expect((await get('service', 'six')).spec).toMatchObject({ ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] });
    const { items } = await get('endpointslices', '-l', 'kubernetes.io/service-name=both');
    expect(items.map(({ addressType }: Json) => addressType).toSorted()).toEqual(['IPv4', 'IPv6']);
  });

  test('a pod has two addresses, and reads them in its environment and its hosts file', async () => {
    const { status } = await get('pod', 'web-1');
    const ips = status.podIPs.map(({ ip }: Json) => ip);
    expect(ips).toEqual([status.podIP, expect.stringMatching(/^fd/)]);
    expect(status.hostIPs.map(({ ip }: Json) => ip)).toEqual(await addressesOf(1));
    const read = `console.log(JSON.stringify([process.env.podIPs, process.env.hostIPs, require('node:fs').readFileSync('/etc/hosts', 'utf8')]))`;
    const [own, host, hosts] = await inPod('web-1', read);
    expect(own).toBe(ips.join());
    expect(host).toBe((await addressesOf(1)).join());
    for (const ip of ips) expect(hosts).toContain(`${ip}\tweb-1\n`);
  });

  test('a pod on the node has the addresses of the node', async () => {
    await createPod('on-node', 2, { hostNetwork: true });
    await expect.poll(() => podIps('on-node').catch(() => []), patience).toEqual(await addressesOf(2));
  });

  test('pods reach each other in both families across nodes, and see who asks', async () => {
    const [from, to] = await Promise.all([podIps('web-1'), podIps('web-2')]);
    const seen = await inPod('web-1', fetchAll, ...to.map((ip) => url(ip, 8080, 'clientip')));
    expect(seen.map((text: string) => text.replace(/:\d+$/, '').replace(/^\[|\]$|^(\[)?::ffff:/g, ''))).toEqual(from);
  });

  test('Services answer in both families: to pods, on nodes and to the machine', async () => {
    const { clusterIPs, ports } = (await get('service', 'both')).spec;
    const { clusterIP } = (await get('service', 'six')).spec;
    const nodes = [...(await addressesOf(1)), ...(await addressesOf(2))];
    const targets = [...clusterIPs, clusterIP].map((ip) => url(ip, 80)).concat(nodes.map((ip) => url(ip, ports[0].nodePort)));
    const everywhere = [
      (): Promise<Json> => onHost(fetchAll, ...targets),
      (): Promise<Json> => inPod('web-1', fetchAll, ...targets),
      (): Promise<Json> => inPod('web-2', fetchAll, ...targets),
    ];
    for (const ask of everywhere) {
      const seen = targets.map(() => new Set<string>());
      await expect
        .poll(async () => {
          for (const [i, name] of (await ask()).entries()) seen[i]!.add(name);
          return seen.map((names) => [...names].toSorted());
        }, patience)
        .toEqual(targets.map(() => ['web-1', 'web-2']));
    }
  });

  test('names have addresses of both families, and addresses names', async () => {
    const { clusterIPs } = (await get('service', 'both')).spec;
    const name = 'both.default.svc.cluster.local';
    expect(await inPod('web-1', resolveAll, name, ...clusterIPs)).toEqual([[clusterIPs[0]], [clusterIPs[1]], [name], [name]]);
    const pods = await Promise.all([podIps('web-1'), podIps('web-2')]);
    const [four, six] = await inPod('web-2', resolveAll, 'headless.default.svc.cluster.local');
    expect(new Set(four)).toEqual(new Set(pods.map(([ip]) => ip)));
    expect(new Set(six)).toEqual(new Set(pods.map(([, ip]) => ip)));
  });

  test('what cannot be is refused by name', async () => {
    expect(await cluster.failing(['up', '--no-kubeconfig', '--ip-family', 'ipv6'])).toContain('clusters of IPv6 alone are not supported');
    expect(await cluster.failing(['up', '--no-kubeconfig', '--ip-family', 'ipv4'])).toContain('was made with --ip-family dual');
  });

  test('down leaves nothing, and up brings the same addresses back', async () => {
    expect(await hostNetwork()).toContain('uplink/accept_ra:2');
    const known = [await addressesOf(1), await addressesOf(2)];
    await cluster.down();
    expect(await cluster.inventory()).toEqual(nothing);
    expect(await hostNetwork()).toBe(before);
    await cluster.up();
    expect([await addressesOf(1), await addressesOf(2)]).toEqual(known);
    const { clusterIPs } = (await get('service', 'both')).spec;
    await expect
      .poll(async () => (await onHost(fetchAll, ...clusterIPs.map((ip: string) => url(ip, 80)))).join(), patience)
      .toMatch(/^web-[12],web-[12]$/);
  });
});
