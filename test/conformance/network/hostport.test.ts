import { describe, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';
import { httpPort, NetworkScene, udpPort } from './scene.ts';

describe.skipIf(unavailable)('network/hostport', () => {
  const cluster = useCluster('conformance-hostport');
  const scene = new NetworkScene(cluster);
  const hostPort = 54_323;

  test('Scheduling, HostPort matching and HostIP and Protocol not-matching', async () => {
    const { items } = await cluster.api('GET', '/api/v1/nodes');
    const node = items.find(({ spec }: Json) => !spec.taints?.length);
    const nodeName: string = node.metadata.name;
    const hostIP: string = node.status.addresses.find(({ type }: Json) => type === 'InternalIP').address;
    // One port of one node, three times: told apart by address, then by protocol. The scheduler is asked, not passed by.
    const spec = { nodeSelector: { 'kubernetes.io/hostname': nodeName } };
    const port = (ip: string, protocol: 'TCP' | 'UDP'): Json => [
      { containerPort: protocol === 'TCP' ? httpPort : udpPort, hostPort, hostIP: ip, protocol },
    ];
    await scene.pod('pod1', { containerPorts: port('127.0.0.1', 'TCP'), spec });
    await scene.pod('pod2', { containerPorts: port(hostIP, 'TCP'), spec });
    await scene.pod('pod3', { containerPorts: port(hostIP, 'UDP'), spec });
    await scene.pod('on-host', {
      containerPorts: [],
      spec: { ...spec, hostNetwork: true },
    });
    const ask = async (host: string, protocol: 'http' | 'udp', expected: string): Promise<void> =>
      scene.reaches('on-host', { host, port: hostPort, protocol }, [expected]);
    await ask('127.0.0.1', 'http', 'pod1');
    await ask(hostIP, 'http', 'pod2');
    await ask(hostIP, 'udp', 'pod3');
  });
});
