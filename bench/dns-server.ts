/** The server of the DNS figures, a process of its own: `node bench/dns-server.ts SERVICES` prints its port and answers until it is killed. */
import { silentLogger, systemClock, systemRandom } from '../src/base/index.ts';
import { type CatalogDelta, defaultCorefile, startDnsServer } from '../src/dns/index.ts';

const nothing = { put: [], gone: [] };

/** So many Services of two endpoints each, half of them headless. */
function catalog(count: number): CatalogDelta {
  const ports = [{ name: 'http', protocol: 'tcp', port: 80 }];
  const address = (first: number, index: number): string => `${first}.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  const indices = Array.from({ length: count }, (_, index) => index);
  const services = indices.map((index) => {
    const headless = index % 2 === 1;
    return {
      key: `bench/s${index}`,
      namespace: 'bench',
      name: `s${index}`,
      kind: headless ? ('headless' as const) : ('clusterIp' as const),
      ips: headless ? [] : [address(10, index)],
      externalName: '',
      ports,
    };
  });
  const slices = indices.map((index) => ({
    id: `bench/s${index}-1`,
    service: `bench/s${index}`,
    endpoints: [0, 1].map((nth) => ({ ips: [address(11, index * 2 + nth)], pod: `s${index}-${nth}` })),
    ports,
  }));
  return {
    reset: true,
    services: { put: services, gone: [] },
    slices: { put: slices, gone: [] },
    namespaces: { put: [{ name: 'bench' }], gone: [] },
    pods: nothing,
  };
}

const corefile = defaultCorefile('cluster.local');
const common = { clock: systemClock, random: systemRandom, log: silentLogger };
const server = await startDnsServer({ addresses: ['127.0.0.1'], port: 0, corefile, nodeResolvers: [], ...common });
server.apply(catalog(Number(process.argv[2])));
console.log(server.port);
