import { describe, expect, test } from 'vitest';
import { toolbox } from './images.ts';
import { unavailable, useKubectl } from './kubectl.ts';

/** Turns in circles, as far as a tenth of a processor goes. */
const busy = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'busy' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'busy' } },
    template: {
      metadata: { labels: { app: 'busy' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'main',
            image: toolbox,
            args: ['-c', 'while :; do :; done'],
            resources: { requests: { cpu: '50m', memory: '16Mi' }, limits: { cpu: '100m' } },
          },
        ],
      },
    },
  },
});

/** Two looks at a node, two at the autoscaler, on a machine that has other things to do. */
const limit = { timeout: 120_000, interval: 500 };

describe.skipIf(unavailable)('what containers use', () => {
  const kubectl = useKubectl('e2e-autoscaling');

  test('is what kubectl top shows, and what an autoscaler goes by', { timeout: 300_000 }, async () => {
    await kubectl(['apply', '-f', '-'], { input: busy });
    await kubectl(['autoscale', 'deployment', 'busy', '--cpu=50%', '--min=1', '--max=2']);
    const size = (): Promise<string> => kubectl(['get', 'deployment', 'busy', '-o', 'jsonpath={.spec.replicas}']);
    await expect.poll(size, limit).toBe('2');
    await kubectl(['rollout', 'status', 'deployment/busy', '--timeout=60s']);
    expect(await kubectl(['describe', 'hpa', 'busy'])).toMatch(
      /Normal +SuccessfulRescale .*New size: 2; reason: cpu resource utilization \(percentage of request\) above target/,
    );
    const pods = (): Promise<string> => kubectl(['top', 'pods', '--no-headers']);
    await expect.poll(pods, limit).toMatch(/^(busy-\S+ +\d+m +\d+Mi *\n){2}$/);
    expect(await kubectl(['top', 'pods', '--containers'])).toMatch(
      /^POD +NAME +CPU\(cores\) +MEMORY\(bytes\) *\nbusy-\S+ +main +[1-9]\d*m /,
    );
    expect(await kubectl(['top', 'nodes', '--no-headers'])).toMatch(/^(\S+ +[1-9]\d*m +\d+% +[1-9]\d*Mi +\d+% *\n){2}$/);
    await kubectl(['delete', 'deployment/busy', 'hpa/busy']);
  });
});
