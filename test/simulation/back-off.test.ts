import { describe, expect, it } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { startCluster } from '../../src/testing/index.ts';
import { createPod, eventsOf, find, getPod, namespace } from './objects.ts';

const second = 1_000;
const minute = 60 * second;

/** Whole seconds between each end and the next start. */
const waitsBetween = (starts: readonly number[], ranMs: readonly number[]): number[] =>
  starts.slice(1).map((at, i) => Math.round((at - starts[i]! - ranMs[i]!) / second));

describe('a container that keeps ending', () => {
  it('waits at most five minutes, and from the beginning again after a run of ten minutes', async () => {
    const clock = new VirtualClock();
    const starts: number[] = [];
    const ran: number[] = [];
    await using cluster = await startCluster({
      clock,
      node: {
        script: () => {
          starts.push(clock.now());
          // The ninth run is a good one.
          const exitAfterMs = starts.length === 9 ? 11 * minute : second;
          ran.push(exitAfterMs);
          return { exitAfterMs, exitCode: 1 };
        },
      },
    });
    await createPod(cluster, 'crash');
    await cluster.advance(60 * minute);
    expect(waitsBetween(starts, ran).slice(0, 12)).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 0, 10, 20, 40]);
    const { status } = await getPod(cluster, 'crash');
    expect(status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({
      reason: 'CrashLoopBackOff',
      message: expect.stringMatching(/^back-off \S+ restarting failed container=main pod=crash_default\(/),
    });
    expect((await eventsOf(cluster, 'crash')).find(({ reason }) => reason === 'BackOff')).toMatchObject({ type: 'Warning' });
  });
});

describe('an image that is not there', () => {
  it('is asked for again after ten seconds, doubling to five minutes', async () => {
    const clock = new VirtualClock();
    const tries: number[] = [];
    await using cluster = await startCluster({
      clock,
      node: {
        imageExists: () => {
          tries.push(clock.now());
          return false;
        },
      },
    });
    await createPod(cluster, 'missing');
    await cluster.advance(30 * minute);
    const gaps = waitsBetween(
      tries,
      tries.map(() => 0),
    );
    expect(gaps.slice(0, 7)).toEqual([10, 20, 40, 80, 160, 300, 300]);
    const { status } = await getPod(cluster, 'missing');
    expect(status?.phase).toBe('Pending');
    expect(status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({ reason: 'ImagePullBackOff' });
    const reasons = new Set((await eventsOf(cluster, 'missing')).map(({ reason, message }) => `${reason}: ${message}`));
    expect(reasons).toContain('BackOff: Back-off pulling image "app:1"');
    expect(reasons).toContain('Failed: Error: ErrImagePull');
    expect(reasons).toContain('Failed: Error: ImagePullBackOff');
  });
});

describe('a container that does not listen', () => {
  it('is given thirty seconds, or what its pod asks for', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({ clock, node: { script: () => ({ ignoresStop: true }) } });
    await createPod(cluster, 'stubborn');
    await createPod(cluster, 'patient', { terminationGracePeriodSeconds: 90 });
    await cluster.advance(5 * second);
    const deletedMs = clock.now();
    for (const name of ['stubborn', 'patient']) {
      await cluster.client.delete(corev1Resources.pods, { namespace, name }, { signal: cluster.signal });
    }
    await cluster.until('the stubborn pod is gone', async () => (await find(cluster, corev1Resources.pods, 'stubborn')) === undefined);
    expect(clock.now() - deletedMs).toBe(30 * second);
    await cluster.until('the patient pod is gone', async () => (await find(cluster, corev1Resources.pods, 'patient')) === undefined);
    expect(clock.now() - deletedMs).toBe(90 * second);
  });
});
