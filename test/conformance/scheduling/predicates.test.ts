import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';
import { parseQuantity } from '../../../src/api/index.ts';
import { SchedulingScene } from './scene.ts';

describe.skipIf(unavailable)('scheduling/predicates', () => {
  const cluster = useCluster('conformance-predicates');
  const scene = new SchedulingScene(cluster);

  /** Millicores of the node that no pod has asked for. */
  const freeCpu = async (): Promise<number> => {
    const { status } = await scene.node();
    const { items } = await cluster.api('GET', '/api/v1/pods?fieldSelector=status.phase!%3DSucceeded,status.phase!%3DFailed');
    const asked = items
      .flatMap(({ spec }: Json) => spec.containers)
      .map(({ resources }: Json) => parseQuantity(resources?.requests?.cpu ?? '0').milliValue())
      .reduce((sum: number, each: number) => sum + each, 0);
    return parseQuantity(status.allocatable.cpu).milliValue() - asked;
  };
  const cpu = (millis: number): Json => ({ resources: { requests: { cpu: `${millis}m` } } });

  test('Scheduler, resource limits', async () => {
    const free = await freeCpu();
    const { metadata } = await scene.node();
    const nodeSelector = { 'kubernetes.io/hostname': metadata.labels['kubernetes.io/hostname'] };
    await scene.create(scene.pod('filler', { nodeSelector }, cpu(Math.floor(free * 0.7))));
    await scene.running('filler');
    await scene.create(scene.pod('additional', { nodeSelector }, cpu(Math.floor(free * 0.5))));
    expect(await scene.unschedulable('additional')).toContain('Insufficient cpu');
    await scene.remove('filler', 'additional');
  });

  test('Scheduler, node selector not matching', async () => {
    await scene.create(scene.pod('restricted', { nodeSelector: { label: 'nonempty' } }));
    expect(await scene.unschedulable('restricted')).toContain("node(s) didn't match Pod's node affinity/selector");
    await scene.remove('restricted');
  });

  test('Scheduler, node selector matching', async () => {
    const key = 'kubernetes.io/e2e-predicates';
    const { metadata } = await scene.patchNode({ metadata: { labels: { [key]: '42' } } });
    try {
      await scene.create(scene.pod('with-labels', { nodeSelector: { [key]: '42' } }));
      expect((await scene.running('with-labels')).spec.nodeName).toBe(metadata.name);
    } finally {
      await scene.patchNode({ metadata: { labels: { [key]: null } } });
      await scene.remove('with-labels');
    }
  });

  test('Scheduling, HostPort and Protocol match, HostIPs different but one is default HostIP (0.0.0.0)', async () => {
    const { metadata, status } = await scene.node();
    const hostIP = status.addresses.find(({ type }: Json) => type === 'InternalIP').address;
    const port = (ip?: string): Json => ({ ports: [{ containerPort: 8080, hostPort: 54322, protocol: 'TCP', ...(ip && { hostIP: ip }) }] });
    const nodeSelector = { 'kubernetes.io/hostname': metadata.labels['kubernetes.io/hostname'] };
    await scene.create(scene.pod('any-address', { nodeSelector }, port()));
    await scene.running('any-address');
    await scene.create(scene.pod('one-address', { nodeSelector }, port(hostIP)));
    expect(await scene.unschedulable('one-address')).toContain("node(s) didn't have free ports for the requested pod ports");
    await scene.remove('any-address', 'one-address');
  });
});
