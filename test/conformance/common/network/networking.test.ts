/** Pods and nodes reach pods by their addresses, on every node. */
import { describe, expect, test } from 'vitest';
import { httpPort, NetworkScene, udpPort } from '../../network/scene.ts';
import { beforeAllOnCluster, eventually, type Json, unavailable, useCluster } from '../../support/cluster.ts';

describe.skipIf(unavailable)('common/network/networking', () => {
  const cluster = useCluster('conformance-networking');
  const scene = new NetworkScene(cluster);
  const servers: Json[] = [];

  beforeAllOnCluster(async () => {
    const { items } = await cluster.api('GET', '/api/v1/nodes');
    const onNode = (at: number): Json => ({ nodeName: items[at % items.length].metadata.name });
    // At least two servers, and one on each node.
    const count = Math.max(2, items.length);
    servers.push(...(await Promise.all(Array.from({ length: count }, (_, at) => scene.pod(`netserver-${at}`, { spec: onNode(at) })))));
    await scene.pod('test-container', { spec: onNode(0) });
    // On a node's own network, by ports that nobody has there.
    await scene.pod('host-test-container', {
      args: ['--http-port=28080', '--udp-port=28081'],
      containerPorts: [],
      spec: { ...onNode(0), hostNetwork: true },
    });
  });

  /** Every server answers with its own name, and nobody else in its place. */
  const everyServerAnswers = async (ask: (server: Json) => Promise<readonly string[]>): Promise<void> => {
    for (const server of servers) await eventually(async () => expect(new Set(await ask(server))).toEqual(new Set([server.metadata.name])));
  };
  const fromPod = (protocol: 'http' | 'udp', port: number): Promise<void> =>
    everyServerAnswers(({ status }) => scene.answers('test-container', { host: status.podIP, port, protocol }, 3));
  const fromNode = (protocol: 'http' | 'udp', port: number): Promise<void> =>
    everyServerAnswers(async ({ status }) => {
      const query = new URLSearchParams({ host: status.podIP, port: String(port), protocol, request: 'hostname', tries: '3' });
      return JSON.parse(await scene.page('host-test-container', `dial?${query.toString()}`, 28_080)).responses;
    });

  test('Networking, intra pod http', () => fromPod('http', httpPort));

  test('Networking, intra pod udp', () => fromPod('udp', udpPort));

  test('Networking, intra pod http, from node', () => fromNode('http', httpPort));

  // Upstream gives both rows one name; this one asks over UDP.
  test('Networking, intra pod http, from node (udp)', () => fromNode('udp', udpPort));
});
