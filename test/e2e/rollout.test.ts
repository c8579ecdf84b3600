import { describe, expect, test } from 'vitest';
import { unavailable, useKubectl } from './kubectl.ts';
import { web } from './manifests.ts';

describe.skipIf(unavailable)('rollouts with kubectl v1.35', () => {
  const kubectl = useKubectl('e2e-rollout');
  const status = (): Promise<string> => kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s']);

  test('apply, scale, new version, history, undo', async () => {
    await kubectl(['apply', '-f', '-'], { input: web({ replicas: 2 }) });
    expect(await status()).toContain('deployment "web" successfully rolled out');
    expect(await kubectl(['get', 'deployment', 'web'])).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 +\S+\n$/);

    await kubectl(['scale', 'deployment/web', '--replicas=3']);
    await kubectl(['wait', 'deployment/web', '--for=jsonpath={.status.availableReplicas}=3', '--timeout=60s']);

    await kubectl(['set', 'env', 'deployment/web', 'VERSION=v2']);
    await kubectl(['annotate', 'deployment/web', 'kubernetes.io/change-cause=second version']);
    await status();
    expect(await kubectl(['rollout', 'history', 'deployment/web'])).toMatch(/1 +<none>\n2 +second version/);

    await kubectl(['rollout', 'undo', 'deployment/web']);
    await status();
    const env = 'jsonpath={.spec.template.spec.containers[0].env[0].value}';
    expect(await kubectl(['get', 'deployment', 'web', '-o', env])).toBe('v1');
    expect(await kubectl(['describe', 'deployment', 'web'])).toMatch(
      /Normal +ScalingReplicaSet .*Scaled up replica set web-\w+ from 0 to 2/,
    );
  });

  test('set image to one that cannot be pulled stalls and leaves the old pods serving', async () => {
    await kubectl(['set', 'image', 'deployment/web', 'web=registry.invalid/broken:1']);
    await expect.poll(() => kubectl(['get', 'pods', '--no-headers']), { timeout: 30_000 }).toMatch(/ErrImagePull|ImagePullBackOff/);
    expect(Number(await kubectl(['get', 'deployment', 'web', '-o', 'jsonpath={.status.availableReplicas}']))).toBeGreaterThanOrEqual(2);
    await kubectl(['rollout', 'undo', 'deployment/web']);
    await status();
  });

  test('restart and pause', async () => {
    await kubectl(['rollout', 'pause', 'deployment/web']);
    await kubectl(['set', 'env', 'deployment/web', 'VERSION=v3']);
    expect(await kubectl(['get', 'deployment', 'web', '-o', 'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}'])).toBe(
      'DeploymentPaused',
    );
    await kubectl(['rollout', 'resume', 'deployment/web']);
    await status();
    await kubectl(['rollout', 'restart', 'deployment/web']);
    await status();
  });

  test('deleting the Deployment takes its ReplicaSets and pods with it', async () => {
    await kubectl(['delete', 'deployment', 'web', '--cascade=foreground']);
    expect(await kubectl(['get', 'replicasets,pods', '-l', 'app=web', '-o', 'name'])).toBe('');
  });
});
