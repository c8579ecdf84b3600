import { defineConfig } from 'vitest/config';

const shared = { environment: 'node', isolate: false, pool: 'forks' };

export default defineConfig({
  test: {
    reporters: ['default', './tools/test-reporter.ts'],
    projects: [
      // Pure and in-room tests, beside the code.
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['src/**/*.test.ts', 'tools/**/*.test.ts'],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      // The whole API server (and components over it) in this process.
      { test: { ...shared, name: 'api', include: ['test/api/**/*.test.ts'], testTimeout: 30_000, sequence: { groupOrder: 0 } } },
      // The whole control plane with simulated nodes on a virtual clock.
      {
        test: {
          ...shared,
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      // Real containers, networks and kubectl: root and a container engine needed.
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/conformance/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          // On a cluster that is shared, most of a test is waiting.
          maxWorkers: 3,
          // After everything else: containers want the machine for themselves.
          sequence: { groupOrder: 1 },
          globalSetup: ['test/e2e/setup.ts'],
        },
      },
    ],
  },
});
