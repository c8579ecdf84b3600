import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { toolbox } from './images.ts';
import { unavailable, useKubectl } from './kubectl.ts';

const write = 'echo "$(hostname) was here" >> /data/log; exec sleep 10000';

const database = (replicas: number): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      replicas,
      serviceName: 'db',
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: 'db' } },
      template: {
        metadata: { labels: { app: 'db' } },
        spec: {
          terminationGracePeriodSeconds: 0,
          // Neither root nor owner of anything: the volume has to let it in.
          securityContext: { runAsUser: 4711, fsGroup: 4712 },
          containers: [{ name: 'db', image: toolbox, args: ['-c', write], volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
        },
      },
      volumeClaimTemplates: [
        { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } } },
      ],
    },
  });

/** The directories of local paths on all nodes that belong to claims of a namespace. */
function directories(namespace: string): string[] {
  const nodes = join(inject('e2eHome'), 'clusters', inject('e2eCluster'), 'nodes');
  const bases = readdirSync(nodes).map((node) => join(nodes, node, 'volumes'));
  return bases.filter(existsSync).flatMap((base) => readdirSync(base).filter((name) => name.includes(`_${namespace}_`)));
}

describe.skipIf(unavailable)('claims on real containers', () => {
  const kubectl = useKubectl('e2e-volumes');

  test('of a StatefulSet outlive its pods and go when they are deleted', async () => {
    await kubectl(['apply', '-f', '-'], { input: database(2) });
    await kubectl(['rollout', 'status', 'statefulset/db', '--timeout=90s']);
    expect(await kubectl(['get', 'pvc', '-o', 'jsonpath={.items[*].status.phase}'])).toBe('Bound Bound');
    expect(directories('e2e-volumes')).toHaveLength(2);

    await kubectl(['delete', 'statefulset', 'db', '--cascade=foreground']);
    await kubectl(['apply', '-f', '-'], { input: database(2) });
    await kubectl(['rollout', 'status', 'statefulset/db', '--timeout=90s']);
    expect(await kubectl(['exec', 'db-1', '--', 'cat', '/data/log'])).toBe('db-1 was here\ndb-1 was here\n');
    expect(await kubectl(['exec', 'db-1', '--', 'ls', '-ln', '/data/log'])).toMatch(/ 4711 +4712 /);

    await kubectl(['delete', 'statefulset', 'db', '--cascade=foreground']);
    await kubectl(['delete', 'pvc', '--all', '--timeout=60s']);
    await expect.poll(() => directories('e2e-volumes'), { timeout: 30_000 }).toEqual([]);
    const names = ['get', 'pv', '-o', 'jsonpath={.items[?(@.spec.claimRef.namespace=="e2e-volumes")].metadata.name}'];
    await expect.poll(() => kubectl(names), { timeout: 30_000 }).toBe('');
  });

  test('of an ephemeral volume are made for the pod and go with it', async () => {
    const scratch = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'scratch' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'app',
            image: toolbox,
            args: ['-c', 'echo kept > /whole/part/file; exec sleep 10000'],
            volumeMounts: [
              { name: 'v', mountPath: '/part', subPath: 'part' },
              { name: 'v', mountPath: '/whole' },
            ],
          },
        ],
        volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: scratch } } }],
      },
    };
    await kubectl(['apply', '-f', '-'], { input: JSON.stringify(pod) });
    await kubectl(['wait', 'pod/scratch', '--for=condition=Ready', '--timeout=90s']);
    await expect.poll(() => kubectl(['exec', 'scratch', '--', 'cat', '/part/file']), { timeout: 10_000 }).toBe('kept\n');
    expect(await kubectl(['get', 'pvc', 'scratch-v', '-o', 'jsonpath={.metadata.ownerReferences[0].name}'])).toBe('scratch');
    await kubectl(['delete', 'pod', 'scratch']);
    await expect.poll(() => directories('e2e-volumes'), { timeout: 60_000 }).toEqual([]);
  });
});
