import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('architecture/conformance', () => {
  const cluster = useCluster('conformance-architecture');

  test('Conformance tests minimum number of nodes.', async () => {
    const { items } = await cluster.api('GET', '/api/v1/nodes');
    const usable = items.filter(
      ({ spec, status }: Json) =>
        !spec.unschedulable &&
        !spec.taints?.some(({ effect }: Json) => effect !== 'PreferNoSchedule') &&
        status.conditions.find(({ type }: Json) => type === 'Ready')?.status === 'True',
    );
    expect(usable.length).toBeGreaterThanOrEqual(2);
  });
});
