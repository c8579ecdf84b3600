import { describe, expect, test } from 'vitest';
import { unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('apimachinery/server_version', () => {
  const cluster = useCluster('conformance-version');

  test('Confirm a server version', async () => {
    const version = await cluster.api('GET', '/version');
    expect(version.major).toMatch(/^\d+$/);
    // Builds of a vendor add a plus sign.
    expect(version.minor).toMatch(/^\d+\+?$/);
    expect(version.gitVersion.startsWith(`v${version.major}.${version.minor.replace('+', '')}.`)).toBe(true);
    expect(Object.keys(version)).toEqual(expect.arrayContaining(['gitCommit', 'gitTreeState', 'buildDate', 'platform']));
  });
});
