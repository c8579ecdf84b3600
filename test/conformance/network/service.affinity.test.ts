import { describe, expect, test } from 'vitest';
import { beforeAllOnCluster, eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { httpPort, NetworkScene, type Target } from './scene.ts';

/** As many answers in a row as upstream wants from one server before it believes that a client is kept there. */
const confirmations = 15;

describe.skipIf(unavailable)('network/service', () => {
  const cluster = useCluster('conformance-service-affinity');
  const scene = new NetworkScene(cluster);
  const servers = ['affinity-1', 'affinity-2', 'affinity-3'];

  beforeAllOnCluster(async () => {
    const labels = { app: 'affinity' };
    await Promise.all([scene.pod('client'), ...servers.map((name) => scene.pod(name, { labels }))]);
  });

  const create = (name: string, spec: Json): Promise<Json> => {
    const ports = [{ port: 80, targetPort: httpPort }];
    return scene.createService(name, { selector: { app: 'affinity' }, sessionAffinity: 'ClientIP', ports, ...spec });
  };
  const setAffinity = async (name: string, sessionAffinity: string): Promise<void> => {
    const patch = { spec: { sessionAffinity, ...(sessionAffinity === 'None' && { sessionAffinityConfig: null }) } };
    const headers = { 'content-type': 'application/merge-patch+json' };
    await cluster.api('PATCH', cluster.path('v1', `services/${name}`), patch, { headers });
  };
  const isKept = (target: Target): Promise<void> =>
    eventually(async () => {
      const answers = await scene.answers('client', target, confirmations);
      expect(new Set(answers).size).toBe(1);
      expect(servers).toContain(answers[0]);
    });
  const isSpread = (target: Target): Promise<void> => scene.reaches('client', target, servers);
  /** Where a client asks for a Service: by the first node when it has a node port. */
  const targetOf = async ({ spec }: Json): Promise<Target> => {
    const { nodePort } = spec.ports[0];
    if (!nodePort) return { host: spec.clusterIP, port: 80 };
    const [address] = await scene.nodeAddresses();
    return { host: address!, port: nodePort };
  };

  const stays = async (name: string, type: string): Promise<void> => {
    await isKept(await targetOf(await create(name, { type })));
  };
  const switches = async (name: string, type: string): Promise<void> => {
    const target = await targetOf(await create(name, { type }));
    await isKept(target);
    await setAffinity(name, 'None');
    await isSpread(target);
    await setAffinity(name, 'ClientIP');
    await isKept(target);
  };

  test('Service, ClusterIP type, session affinity to ClientIP', () => stays('kept-cluster-ip', 'ClusterIP'));

  test('Service, ClusterIP type, session affinity to None', () => switches('switched-cluster-ip', 'ClusterIP'));

  test('Service, NodePort type, session affinity to ClientIP', () => stays('kept-node-port', 'NodePort'));

  test('Service, NodePort type, session affinity to None', () => switches('switched-node-port', 'NodePort'));
});
