import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { findProgram } from '../../src/cluster/index.ts';
import { unavailable, untilPrinted, useKubectl } from './kubectl.ts';
import { sleeper, web } from './manifests.ts';
import { kubectlOf } from './old-clients.ts';

/** The machine's own kubectl, whatever its version. */
const own = findProgram('kubectl', '/nonexistent');
const ownWorks = own !== undefined && spawnSync(own, ['version', '--client']).status === 0;

/** The two ends of what is tried; all of them in the long run. */
const minors = process.env['KNARR_TEST_LONG'] ? Array.from({ length: 16 }, (_, index) => 20 + index) : [20, 35];

describe.skipIf(unavailable || !ownWorks)("the machine's own kubectl", () => {
  smoke('own', () => Promise.resolve(own!));
});

for (const minor of minors) {
  describe.skipIf(unavailable)(`kubectl v1.${minor}`, () => {
    smoke(`v1-${minor}`, () => kubectlOf(minor));
  });
}

/** The same few commands for each version. */
function smoke(name: string, program: () => Promise<string>): void {
  let binary = '';
  beforeAll(async () => {
    if (!unavailable) binary = await program();
  });
  const kubectl = useKubectl(`e2e-kubectl-${name}`, () => binary);

  test('applies, shows, describes and changes objects', async () => {
    await kubectl(['apply', '-f', '-'], { input: web({ replicas: 2 }) });
    expect(await kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s'])).toContain('successfully rolled out');
    expect(await kubectl(['get', 'pods', '-o', 'wide'])).toMatch(/web-\S+ +1\/1 +Running/);
    expect(await kubectl(['describe', 'deployment', 'web'])).toContain('ScalingReplicaSet');
    expect(await kubectl(['get', 'all'])).toContain('replicaset.apps/web-');
    await kubectl(['scale', 'deployment/web', '--replicas=1']);
    await kubectl(['set', 'env', 'deployment/web', 'VERSION=v2']);
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s']);
    await kubectl(['rollout', 'undo', 'deployment/web']);
    await kubectl(['label', 'deployment/web', 'tier=front']);
    await kubectl(['annotate', 'deployment/web', 'note=x']);
    await kubectl(['patch', 'deployment/web', '-p', '{"spec":{"replicas":1}}']);
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s']);
    // Old versions forward a port to any pod of the Deployment, even to one that is just ending.
    await expect
      .poll(() => kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.phase}']), { timeout: 60_000 })
      .toBe('Running');
    expect(await kubectl(['get', 'deployments', '-l', 'tier=front', '-o', 'jsonpath={.items[*].metadata.name}'])).toBe('web');
  });

  test('makes configuration, secrets, accounts and rights', async () => {
    await kubectl(['create', 'configmap', 'settings', '--from-literal=a=b']);
    await kubectl(['create', 'secret', 'generic', 'password', '--from-literal=p=w']);
    await kubectl(['create', 'serviceaccount', 'robot']);
    await kubectl(['create', 'role', 'reader', '--verb=get,list', '--resource=configmaps']);
    await kubectl(['create', 'rolebinding', 'robot-reads', '--role=reader', `--serviceaccount=${kubectl.namespace}:robot`]);
    await kubectl(['create', 'quota', 'limit', '--hard=configmaps=10']);
    await expect
      .poll(() => kubectl(['auth', 'can-i', 'list', 'configmaps', `--as=system:serviceaccount:${kubectl.namespace}:robot`]), {
        timeout: 10_000,
      })
      .toBe('yes\n');
    expect(await kubectl(['get', 'configmaps,secrets,serviceaccounts,roles,rolebindings'])).toContain('configmap/settings');
  });

  test('speaks with running containers', async () => {
    await kubectl(['apply', '-f', '-'], { input: sleeper('box') });
    await kubectl(['wait', 'pod/box', '--for=condition=Ready', '--timeout=60s']);
    expect(await kubectl(['logs', 'box'])).toBe('started\n');
    expect(await kubectl(['exec', 'box', '--', 'echo', 'hi'])).toBe('hi\n');
    expect(await kubectl(['exec', '-i', 'box', '--', 'cat'], { input: 'typed' })).toBe('typed');
    // Other files start agents of this cluster again: a connection that runs through one ends with it, and whoever forwards forwards again.
    await vi.waitFor(async () => expect(await throughForward('deployment/web')).toContain('web-'), { timeout: 60_000, interval: 500 });
  });

  /** What the program behind `target` answers through a forwarded port; on failure an error that says what kubectl complained of. */
  async function throughForward(target: string): Promise<string> {
    const forward = kubectl.start(['port-forward', target, ':8080']);
    let complaints = '';
    forward.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    try {
      const port = /127\.0\.0\.1:(\d+)/.exec(await untilPrinted(forward.stdout, /Forwarding from 127\.0\.0\.1:\d+/))![1];
      return await (await fetch(`http://127.0.0.1:${port}/`)).text();
    } catch (error) {
      throw new Error(`port-forward ended: ${complaints}`, { cause: error });
    } finally {
      forward.kill();
    }
  }

  test('explains, lists resources and deletes', async () => {
    expect(await kubectl(['api-resources'])).toMatch(/^deployments +deploy/m);
    expect(await kubectl(['explain', 'pods.spec'])).toContain('containers');
    await kubectl(['delete', 'deployment', 'web']);
    await kubectl(['delete', 'pod', 'box', '--now']);
  });
}
