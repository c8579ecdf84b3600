import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { engineUnavailable } from '../support/test-engine.ts';
import { testBusyboxImage } from '../support/test-images.ts';
import { TestNode } from '../support/test-node.ts';

const unavailable = engineUnavailable();
const forever = ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'];

describe.skipIf(unavailable)(`a node through faults${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  let node: TestNode;
  let manifests: string;
  beforeAll(async () => {
    manifests = `/tmp/kubelet-manifests-${process.pid}`;
    mkdirSync(manifests, { recursive: true });
    node = await TestNode.start('recovery', { manifestDir: manifests, manifestCheckMs: 100 });
  }, 60_000);
  afterAll(async () => {
    await node?.stop();
    rmSync(manifests, { recursive: true, force: true });
  }, 60_000);

  it('a kubelet that starts anew takes over what runs and touches nothing', async () => {
    await node.create('adopted', {
      initContainers: [{ name: 'init', command: ['true'] }],
      volumes: [{ name: 'scratch', emptyDir: { medium: 'Memory' } }],
      containers: [
        {
          command: forever,
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
          startupProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
          readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
        },
      ],
    });
    const before = await node.whenRunning('adopted');
    await node.exec('adopted', ['sh', '-c', 'echo kept > /scratch/file']);
    await node.stopKubelet();
    await node.startKubelet();
    await node.create('later', { containers: [{ command: forever }] });
    await node.whenRunning('later');
    const after = await node.whenRunning('adopted');
    expect(after.status?.containerStatuses?.[0]).toMatchObject({
      containerID: before.status.containerStatuses![0]!.containerID,
      restartCount: 0,
      state: before.status.containerStatuses![0]!.state,
    });
    expect(await node.exec('adopted', ['cat', '/scratch/file'])).toBe('kept\n');
    for (const name of ['adopted', 'later']) await node.delete(name, 0);
    for (const name of ['adopted', 'later']) await node.whenGone(name);
  });

  it('stops and removes what was deleted while the kubelet was away', async () => {
    await node.create('orphan', { containers: [{ command: forever }] });
    await node.whenRunning('orphan');
    await node.stopKubelet();
    await node.delete('orphan', 0);
    await node.startKubelet();
    await node.whenGone('orphan');
  });

  it('pods survive kill -9 of the engine, and what died meanwhile is restarted', async () => {
    await node.create('survivor', { containers: [{ command: forever }] });
    await node.create('victim', { containers: [{ command: ['sh', '-c', 'exec sleep 100000'] }] });
    const survivor = await node.whenRunning('survivor');
    const { status } = await node.whenRunning('victim');
    await node.engine.kill();
    process.kill(await pidOf(node, 'sleep 100000', status.containerStatuses![0]!.containerID ?? ''), 'SIGKILL');
    await node.engine.restart();
    await node.whenPod('victim', 'was restarted', (pod) => {
      const [container] = pod.status?.containerStatuses ?? [];
      return container?.restartCount === 1 && container.ready;
    });
    const after = await node.whenRunning('survivor');
    expect(after.status?.containerStatuses?.[0]?.containerID).toBe(survivor.status?.containerStatuses?.[0]?.containerID);
    for (const name of ['survivor', 'victim']) await node.delete(name, 0);
    for (const name of ['survivor', 'victim']) await node.whenGone(name);
  });

  it('makes a new sandbox when the pause process dies', async () => {
    const { metadata } = await node.create('widowed', { containers: [{ command: forever }] });
    await node.whenRunning('widowed');
    const labels = { 'io.kubernetes.pod.uid': metadata.uid };
    const [sandbox] = await node.runtime.runtime.listPodSandboxes({ labels }, node);
    process.kill(await pidOf(node, '/pause', sandbox!.id), 'SIGKILL');
    await node.whenPod('widowed', 'runs again', ({ status }) => {
      const [container] = status?.containerStatuses ?? [];
      return container?.restartCount === 1 && container.ready;
    });
    const sandboxes = await node.runtime.runtime.listPodSandboxes({ labels }, node);
    expect(sandboxes.filter(({ state }) => state === 'ready').map(({ metadata: { attempt } }) => attempt)).toEqual([1]);
    await node.whenEvent('widowed', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    await node.delete('widowed', 0);
    await node.whenGone('widowed');
  });

  it('a pod that is deleted while it starts leaves nothing', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `hasty-${i}`);
    await Promise.all(names.map((name) => node.create(name, { containers: [{ command: forever }] })));
    // Each is caught at another step of its start.
    for (const [i, name] of names.entries()) {
      await new Promise((resolve) => setTimeout(resolve, i * 20));
      await node.delete(name);
    }
    await Promise.all(names.map((name) => node.whenGone(name)));
    const left = await node.runtime.runtime.listContainers({}, node);
    expect(left.filter(({ labels }) => labels['io.kubernetes.pod.name']?.startsWith('hasty-'))).toEqual([]);
  });

  it('gives containers their grace, and less when asked again', async () => {
    const stubborn = ['sh', '-c', 'trap "" TERM; sleep 100000 & while :; do wait; done'];
    await node.create('stubborn', { terminationGracePeriodSeconds: 60, containers: [{ command: stubborn }] });
    await node.whenRunning('stubborn');
    await node.delete('stubborn');
    await node.whenEvent('stubborn', 'Killing', 'Stopping container c0');
    expect((await node.pod('stubborn')).metadata.deletionGracePeriodSeconds).toBe(60);
    await node.delete('stubborn', 1);
    await node.whenGone('stubborn');
  });

  it('runs static pods and shows them by mirrors', async () => {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'static' },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c0', image: testBusyboxImage, command: forever }] },
    };
    writeFileSync(`${manifests}/static.yaml`, JSON.stringify(manifest));
    await node.until('the mirror is there', async () => {
      const { items } = await node.client.list(corev1Resources.pods, { namespace: 'default', signal: node.signal });
      return items.some(({ metadata, status }) => metadata.name === 'static-n1' && status?.phase === 'Running');
    });
    rmSync(`${manifests}/static.yaml`);
    await node.whenGone('static-n1');
  });

  it('keeps its lease and its node object true', async () => {
    const current = await node.client.get(corev1Resources.nodes, { name: 'n1' }, node);
    expect(current.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' });
    expect(current.status).toMatchObject({
      addresses: [
        { type: 'InternalIP', address: '10.200.0.11' },
        { type: 'Hostname', address: 'n1' },
      ],
      capacity: { pods: '110' },
      nodeInfo: { containerRuntimeVersion: expect.stringMatching(/^containerd:\/\//), operatingSystem: 'linux' },
    });
    expect(current.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      'MemoryPressure=False KubeletHasSufficientMemory',
      'DiskPressure=False KubeletHasNoDiskPressure',
      'PIDPressure=False KubeletHasSufficientPID',
      'Ready=True KubeletReady',
    ]);
    expect(current.status?.images?.flatMap(({ names }) => names)).toContain(testBusyboxImage);
  });
});

/** The process of a container or sandbox, found by its cgroup. */
async function pidOf(node: TestNode, program: string, id: string): Promise<number> {
  const { readdirSync, readFileSync } = await import('node:fs');
  const bare = id.replace(/^.*:\/\//, '');
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const groups = readFileSync(`/proc/${entry}/cgroup`, 'utf8');
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (groups.includes(node.engine.cgroupRoot) && groups.includes(bare) && command.startsWith(program)) return Number(entry);
    } catch {
      // The process has ended while it was looked at.
    }
  }
  throw new Error(`no process ${program} in ${bare}`);
}
