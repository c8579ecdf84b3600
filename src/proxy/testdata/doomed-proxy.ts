/**
 * A proxy that changes its rules without end, to be killed at any moment: `node doomed-proxy.ts TABLE`, in the namespace of the node under test.
 * Serves `test/held` (10.96.0.8:80 → 10.244.1.2:8081) and a crowd of Services that come, go and change. Says `ready` on standard output.
 */
import type { corev1, discoveryv1 } from '../../api/index.ts';
import { keepAlive, Registry, silentLogger, systemClock } from '../../base/index.ts';
import { ProxySync } from '../proxy-sync.ts';

const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' } as const;
let round = 0;

function service(name: string): corev1.Service | undefined {
  const index = Number(name.slice(1));
  if (name !== 'held' && (index + round) % 5 === 0) return undefined;
  const clusterIP = name === 'held' ? '10.96.0.8' : `10.96.1.${index}`;
  const metadata = { name, namespace: 'test', creationTimestamp: '2026-01-01T00:00:00Z', uid: name, resourceVersion: '1' };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }] }, status: {} };
}

function slices(name: string): discoveryv1.EndpointSlice[] {
  const count = name === 'held' ? 1 : (Number(name.slice(1)) + round) % 4;
  const endpoints = Array.from({ length: count }, (_, at) => ({ addresses: [`10.244.1.${at + 2}`] }));
  const metadata = { name, namespace: 'test', creationTimestamp: '2026-01-01T00:00:00Z', uid: name, resourceVersion: '1' };
  return [{ ...slice, metadata, ports: [{ name: '', port: 8081 }], endpoints }];
}

const names = ['held', ...Array.from({ length: 40 }, (_, index) => `s${index + 1}`)];
const sync = new ProxySync(
  {
    service: ({ name }) => service(name),
    services: () => names.flatMap((name) => service(name) ?? []),
    slicesOf: (key) => slices(key.slice('test/'.length)),
    zone: () => undefined,
    serviceCidrs: () => [],
  },
  {
    name: process.argv[2]!,
    nodeName: 'here',
    nodeIps: [],
    podCidrs: { IPv4: '10.244.0.0/16' },
    families: ['IPv4', 'IPv6'],
    masqueradeMark: 0x4000,
    balance: 'random',
    clock: systemClock,
    registry: new Registry(),
    progress: {
      queued() {},
      updated() {
        if (round === 1) console.log('ready');
        round++;
        setImmediate(() => names.forEach((name) => sync.serviceChanged(`test/${name}`)));
      },
    },
  },
);
using _alive = keepAlive();
await sync.run({ signal: new AbortController().signal, log: silentLogger });
