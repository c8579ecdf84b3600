import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, createTranscript, startCluster, type Transcript, withoutRequests } from '../../src/testing/index.ts';
import { createDeployment, createPod, namespace, setImage, untilRolledOut } from './objects.ts';

/** An hour in which much goes right and some things wrong. */
async function eventfulHour(seed: number): Promise<Transcript> {
  const transcript = createTranscript();
  await using cluster = await startCluster({
    clock: new VirtualClock(),
    seed,
    nodes: 3,
    onChange: transcript.record,
    node: {
      latency: { sandboxMs: 300, startMs: 200, pullMs: 1500 },
      script: ({ image }) => (image.userSpecifiedImage?.includes('crash') ? { exitAfterMs: 2000, exitCode: 1 } : {}),
    },
  });
  await live(cluster);
  return transcript;
}

async function live(cluster: Cluster): Promise<void> {
  await createDeployment(cluster, 'web', { replicas: 6 });
  // It outlives the silence of its node, wherever it is.
  await createPod(cluster, 'crash', { containers: [{ name: 'main', image: 'crash' }], tolerations: [{ operator: 'Exists' }] });
  await cluster.client.create(
    corev1Resources.services,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
    { signal: cluster.signal },
  );
  await untilRolledOut(cluster, 'web');
  cluster.faults.lose({ requests: 0.05, answers: 0.05 });
  await setImage(cluster, 'web', 'app:2');
  await cluster.advance(1_000);
  await cluster.nodes[0]!.stopKubelet();
  await cluster.advance(10_000);
  cluster.faults.cutWatches();
  await cluster.stopManagers();
  cluster.startManagers();
  await cluster.advance(600_000);
  cluster.faults.lose({});
  await cluster.nodes[0]!.startKubelet();
  await untilRolledOut(cluster, 'web');
  await cluster.client.delete(corev1Resources.pods, { namespace, name: 'crash' }, { signal: cluster.signal });
  await cluster.advance(2_900_000);
}

describe('a cluster on a virtual clock', () => {
  it('lives the same life again with the same seed, and waits for nothing but its clock', async () => {
    const [first, second] = [await withoutRequests(() => eventfulHour(7)), await withoutRequests(() => eventfulHour(7))];
    // Lines before hashes: the first that differs says where to look.
    expect(second.lines.find((line, i) => line !== first.lines[i])).toBeUndefined();
    expect(second.hash()).toBe(first.hash());
    expect(first.lines.length).toBeGreaterThan(1_000);
  });

  it('lives another life with another seed', async () => {
    const [first, second] = [await eventfulHour(1), await eventfulHour(2)];
    expect(second.hash()).not.toBe(first.hash());
  });
});

describe('a run held to its clock', () => {
  it('fails when something in it asks the operating system', async () => {
    const run = withoutRequests(async () => {
      await Promise.resolve();
      await stat('/');
    });
    await expect(run).rejects.toThrow('the run depends on more than its clock: FSREQPROMISE');
  });

  it('fails when something in it waits in real time', async () => {
    const run = withoutRequests(() => new Promise((resolve) => setTimeout(resolve, 1)));
    await expect(run).rejects.toThrow('the run depends on more than its clock: Timeout');
  });

  it('does not mind what others do meanwhile', async () => {
    const elsewhere = Promise.withResolvers<void>();
    setTimeout(elsewhere.resolve, 1);
    await withoutRequests(async () => Promise.resolve());
    await elsewhere.promise;
  });
});
