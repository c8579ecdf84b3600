import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { beforeAllOnCluster, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('kubectl/logs', () => {
  const { kubectl } = useCluster('conformance-logs');

  beforeAllOnCluster(async () => {
    const script = 'for i in $(seq 100); do echo "line $i of the log"; done; echo done >&2; exec sleep 10000';
    await kubectl(['run', 'talker', `--image=${toolbox}`, '--restart=Never', '--', '-c', script]);
    await kubectl(['wait', 'pod/talker', '--for=condition=Ready', '--timeout=60s']);
  });

  test('Kubectl, logs', async () => {
    await expect.poll(() => kubectl(['logs', 'talker']), { timeout: 20_000 }).toContain('done');
    const lines = (text: string): string[] => text.trimEnd().split('\n');
    expect(lines(await kubectl(['logs', 'talker', 'talker']))).toHaveLength(101);
    expect(lines(await kubectl(['logs', 'talker', '--tail=1']))).toHaveLength(1);
    expect(await kubectl(['logs', 'talker', '--limit-bytes=1'])).toHaveLength(1);
    const [stamped] = lines(await kubectl(['logs', 'talker', '--tail=1', '--timestamps']));
    const [time, ...rest] = stamped!.split(' ');
    expect(new Date(time!).getTime()).toBeGreaterThan(Date.parse('2020-01-01'));
    expect(rest.join(' ')).not.toBe('');
    // What was written a day ago and less is all of it; what was written in a second from now on is nothing.
    expect(lines(await kubectl(['logs', 'talker', '--since=24h']))).toHaveLength(101);
    const soon = new Date(Date.now() + 60_000).toISOString();
    expect(await kubectl(['logs', 'talker', `--since-time=${soon}`])).toBe('');
  });
});
