import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('apimachinery/discovery', () => {
  const cluster = useCluster('conformance-discovery');

  test('Discovery, confirm the PreferredVersion for each api group', async () => {
    const { groups } = await cluster.api('GET', '/apis');
    expect(groups.length).toBeGreaterThan(10);
    for (const { name } of groups as readonly { name: string }[]) {
      const group = await cluster.api('GET', `/apis/${name}`);
      expect(group).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name });
      const versions = group.versions.map((version: Json) => version.groupVersion);
      expect(versions).toContain(group.preferredVersion.groupVersion);
      expect(group.preferredVersion.groupVersion).toBe(`${name}/${group.preferredVersion.version}`);
    }
  });

  test('Discovery, confirm the groupVerion and a resourcefrom each apiGroup', async () => {
    const expected = [
      ['api/v1', 'v1', 'namespaces'],
      ['apis/apps/v1', 'apps/v1', 'deployments'],
      ['apis/authentication.k8s.io/v1', 'authentication.k8s.io/v1', 'tokenreviews'],
      ['apis/authorization.k8s.io/v1', 'authorization.k8s.io/v1', 'selfsubjectaccessreviews'],
      ['apis/autoscaling/v1', 'autoscaling/v1', 'horizontalpodautoscalers'],
      ['apis/autoscaling/v2', 'autoscaling/v2', 'horizontalpodautoscalers'],
      ['apis/batch/v1', 'batch/v1', 'jobs'],
      ['apis/certificates.k8s.io/v1', 'certificates.k8s.io/v1', 'certificatesigningrequests'],
      ['apis/coordination.k8s.io/v1', 'coordination.k8s.io/v1', 'leases'],
      ['apis/discovery.k8s.io/v1', 'discovery.k8s.io/v1', 'endpointslices'],
      ['apis/events.k8s.io/v1', 'events.k8s.io/v1', 'events'],
      ['apis/networking.k8s.io/v1', 'networking.k8s.io/v1', 'ingresses'],
      ['apis/node.k8s.io/v1', 'node.k8s.io/v1', 'runtimeclasses'],
      ['apis/policy/v1', 'policy/v1', 'poddisruptionbudgets'],
      ['apis/scheduling.k8s.io/v1', 'scheduling.k8s.io/v1', 'priorityclasses'],
      ['apis/storage.k8s.io/v1', 'storage.k8s.io/v1', 'csinodes'],
    ] as const;
    for (const [path, groupVersion, resource] of expected) {
      const list = await cluster.api('GET', `/${path}`);
      expect(list).toMatchObject({ kind: 'APIResourceList', groupVersion });
      expect(list.resources.map(({ name }: Json) => name)).toContain(resource);
    }
  });
});
