import { describe, expect, test } from 'vitest';
import { netexec, toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

const domain = 'cluster.local';
const headless = 'dns-test-service';

describe.skipIf(unavailable)('network/dns', () => {
  const cluster = useCluster('conformance-dns');
  const pods = cluster.path('v1', 'pods');
  const services = cluster.path('v1', 'services');

  /** A pod that waits to be asked for names, as soon as it runs. */
  async function querier(name: string, { labels = {}, spec = {} }: { readonly labels?: Json; readonly spec?: Json } = {}): Promise<void> {
    const containers = [{ name: 'querier', image: toolbox, args: ['-c', 'exec sleep 10000'] }];
    await cluster.api('POST', pods, { metadata: { name, labels }, spec: { terminationGracePeriodSeconds: 0, containers, ...spec } });
    await eventually(async () => expect((await cluster.api('GET', `${pods}/${name}`)).status.phase).toBe('Running'));
  }

  /** Addresses as a program of the pod finds them, by its search list. */
  async function looksUp(pod: string, name: string, address: string): Promise<void> {
    await eventually(async () => {
      const answer = await cluster.request('GET', `${pods}/${pod}:8080/proxy/resolve?name=${name}`);
      expect(answer.json).toEqual({ addresses: [address] });
    });
  }

  const remove = (path: string): Promise<Json> => cluster.api('DELETE', path);
  const shell = (pod: string, script: string): Promise<string> => cluster.kubectl(['exec', pod, '--', 'sh', '-c', script]);

  /** What the pod's resolver says; waits until it says what is expected. */
  const resolves = (
    pod: string,
    query: { readonly name: string; readonly type?: string; readonly server?: string },
    expected: RegExp,
  ): Promise<void> =>
    eventually(async () => {
      const type = query.type === undefined ? '' : `-type=${query.type} `;
      expect(await shell(pod, `nslookup ${type}${query.name} ${query.server ?? ''} 2>&1 || true`)).toMatch(expected);
    });

  const hostsLine = async (pod: string, names: readonly string[]): Promise<void> => {
    const hosts = await shell(pod, 'cat /etc/hosts');
    const ip = (await cluster.api('GET', `${pods}/${pod}`)).status.podIP;
    const line = hosts.split('\n').find((each) => each.startsWith(`${ip}\t`));
    expect(line?.split(/\s+/)).toEqual([ip, ...names]);
  };

  const createService = (name: string, spec: Json): Promise<Json> => cluster.api('POST', services, { metadata: { name }, spec });
  const port = { name: 'http', port: 80, protocol: 'TCP' };

  test('DNS, cluster', async () => {
    await querier('dns-cluster');
    await resolves(
      'dns-cluster',
      { name: `kubernetes.default.svc.${domain}.` },
      /Name:\s+kubernetes\.default\.svc\.cluster\.local\s+Address: \d/,
    );
    await remove(`${pods}/dns-cluster`);
  });

  // Upstream gives both rows one name; this one reads the hosts file.
  test('DNS, cluster (/etc/hosts)', async () => {
    const name = 'dns-querier-1';
    await createService(headless, { clusterIP: 'None', selector: { 'dns-test': 'hosts' }, ports: [port] });
    await querier(name, { labels: { 'dns-test': 'hosts' }, spec: { hostname: name, subdomain: headless } });
    await hostsLine(name, [`${name}.${headless}.${cluster.namespace}.svc.${domain}`, name]);
    await remove(`${pods}/${name}`);
    await remove(`${services}/${headless}`);
  });

  test('DNS, services', async () => {
    await withServices('dns-services', async (pod, regularIp) => {
      const full = (name: string): string => `${name}.${cluster.namespace}.svc.${domain}.`;
      const podIp = (await cluster.api('GET', `${pods}/${pod}`)).status.podIP;
      await resolves(pod, { name: full(headless) }, new RegExp(`Address: ${podIp.replaceAll('.', '\\.')}`));
      for (const name of [headless, 'test-service-2']) {
        await resolves(pod, { name: `_http._tcp.${full(name)}`, type: 'srv' }, /service = 0 \d+ 80 /);
      }
      // Asked for an address, nslookup looks for the pointer.
      await resolves(pod, { name: regularIp }, new RegExp(`name = test-service-2\\.${cluster.namespace}\\.svc`));
    });
  });

  test('DNS, PQDN for services', async () => {
    const containers = [{ name: 'querier', image: netexec }];
    await withServices(
      'dns-pqdn',
      async (pod, regularIp) => {
        const { namespace } = cluster;
        const podIp = (await cluster.api('GET', `${pods}/${pod}`)).status.podIP;
        for (const suffix of ['', `.${namespace}`, `.${namespace}.svc`]) {
          await looksUp(pod, `${headless}${suffix}`, podIp);
          await looksUp(pod, `test-service-2${suffix}`, regularIp);
        }
        for (const name of [headless, 'test-service-2']) {
          const query = `name=_http._tcp.${name}.${namespace}.svc.${domain}&type=SRV`;
          const { records } = await cluster.api('GET', `${pods}/${pod}:8080/proxy/resolve?${query}`);
          expect(records).toMatchObject([{ priority: 0, port: 80, name: expect.stringContaining(`${name}.${namespace}.svc.${domain}`) }]);
        }
      },
      { containers },
    );
  });

  async function withServices(pod: string, check: (pod: string, regularIp: string) => Promise<void>, spec: Json = {}): Promise<void> {
    const selector = { 'dns-test': pod };
    await createService(headless, { clusterIP: 'None', selector, ports: [port] });
    const regular = await createService('test-service-2', { selector, ports: [port] });
    await querier(pod, { labels: selector, spec });
    await check(pod, regular.spec.clusterIP);
    await remove(`${pods}/${pod}`);
    await remove(`${services}/${headless}`);
    await remove(`${services}/test-service-2`);
  }

  test('DNS, resolve the hostname', async () => {
    await withHostname('dns-querier-2', async (pod, fqdn) => hostsLine(pod, [fqdn, pod]));
  });

  test('DNS, resolve the subdomain', async () => {
    await withHostname('dns-querier-3', async (pod, fqdn, subdomain) => {
      const ip = (await cluster.api('GET', `${pods}/${pod}`)).status.podIP;
      for (const name of [fqdn, subdomain]) await resolves(pod, { name: `${name}.` }, new RegExp(`Address: ${ip.replaceAll('.', '\\.')}`));
    });
  });

  async function withHostname(pod: string, check: (pod: string, fqdn: string, subdomain: string) => Promise<void>): Promise<void> {
    const service = 'dns-test-service-2';
    const labels = { 'dns-test-hostname-attribute': 'true' };
    await createService(service, { clusterIP: 'None', selector: labels, ports: [port] });
    await querier(pod, { labels, spec: { hostname: pod, subdomain: service } });
    const subdomain = `${service}.${cluster.namespace}.svc.${domain}`;
    await check(pod, `${pod}.${subdomain}`, subdomain);
    await remove(`${pods}/${pod}`);
    await remove(`${services}/${service}`);
  }

  test('DNS, for ExternalName Services', async () => {
    const path = `${services}/dns-test-service-3`;
    const name = `dns-test-service-3.${cluster.namespace}.svc.${domain}.`;
    await createService('dns-test-service-3', { type: 'ExternalName', externalName: 'foo.example.com' });
    await querier('dns-external');
    await resolves('dns-external', { name, type: 'cname' }, /canonical name = foo\.example\.com/);
    const found = await cluster.api('GET', path);
    await cluster.api('PUT', path, { ...found, spec: { ...found.spec, externalName: 'bar.example.com' } });
    await resolves('dns-external', { name, type: 'cname' }, /canonical name = bar\.example\.com/);
    const again = await cluster.api('GET', path);
    const changed = await cluster.api('PUT', path, { ...again, spec: { ...again.spec, type: 'ClusterIP', ports: [port] } });
    await resolves('dns-external', { name, type: 'a' }, new RegExp(`Address: ${changed.spec.clusterIP.replaceAll('.', '\\.')}`));
    await remove(`${pods}/dns-external`);
    await remove(path);
  });

  test('DNS, custom dnsConfig', async () => {
    await querier('test-dns-nameservers', {
      spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['resolv.conf.local'] } },
    });
    const file = await shell('test-dns-nameservers', 'cat /etc/resolv.conf');
    expect(file).toContain('search resolv.conf.local');
    expect(file).toContain('nameserver 1.1.1.1');
    await remove(`${pods}/test-dns-nameservers`);
  });
});
