import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { findProgram } from '../../src/cluster/index.ts';
import { unavailable, untilPrinted, useKubectl } from './kubectl.ts';
import { sleeper, web } from './manifests.ts';

/** The machine's own kubectl, whatever its version. */
const own = findProgram('kubectl', '/nonexistent');
const works = own !== undefined && spawnSync(own, ['version', '--client']).status === 0;

describe.skipIf(unavailable || !works)("the machine's own kubectl", () => {
  const kubectl = useKubectl('e2e-own', own);

  test('applies, shows, describes and changes objects', async () => {
    await kubectl(['apply', '-f', '-'], { input: web({ replicas: 2 }) });
    expect(await kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s'])).toContain('successfully rolled out');
    expect(await kubectl(['get', 'pods', '-o', 'wide'])).toMatch(/web-\S+ +1\/1 +Running/);
    expect(await kubectl(['describe', 'deployment', 'web'])).toContain('ScalingReplicaSet');
    await kubectl(['scale', 'deployment/web', '--replicas=1']);
    await kubectl(['set', 'env', 'deployment/web', 'VERSION=v2']);
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s']);
    await kubectl(['rollout', 'undo', 'deployment/web']);
    expect(await kubectl(['get', 'deployments', '-o', 'jsonpath={.items[*].metadata.name}'])).toBe('web');
  });

  test('speaks with running containers', async () => {
    await kubectl(['apply', '-f', '-'], { input: sleeper('box') });
    await kubectl(['wait', 'pod/box', '--for=condition=Ready', '--timeout=60s']);
    expect(await kubectl(['logs', 'box'])).toBe('started\n');
    expect(await kubectl(['exec', 'box', '--', 'echo', 'hi'])).toBe('hi\n');
    expect(await kubectl(['exec', '-i', 'box', '--', 'cat'], { input: 'typed' })).toBe('typed');
    const forward = kubectl.start(['port-forward', 'deployment/web', ':8080']);
    try {
      const port = /127\.0\.0\.1:(\d+)/.exec(await untilPrinted(forward.stdout, /Forwarding from 127\.0\.0\.1:\d+/))![1];
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('web-');
    } finally {
      forward.kill();
    }
  });

  test('explains, lists resources and deletes', async () => {
    expect(await kubectl(['api-resources'])).toMatch(/^deployments +deploy/m);
    expect(await kubectl(['explain', 'pods.spec'])).toContain('containers');
    await kubectl(['delete', 'deployment', 'web']);
    await kubectl(['delete', 'pod', 'box', '--now']);
  });
});
