/** Pods and views for unit tests of this room: everything that a test does not care about is filled in. */
import type { corev1 } from '../../api/index.ts';
import type { PodSandboxStatus } from '../runtime/runtime.ts';
import { containerHash } from './labels.ts';
import type { ContainerView, PodView } from './pod-view.ts';

export function testPod(spec: Partial<corev1.PodSpec> = {}, metadata: Partial<corev1.Pod['metadata']> = {}): corev1.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'uid-1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: { containers: [{ name: 'main', image: 'nginx' }], restartPolicy: 'Always', ...spec },
    status: {},
  };
}

export function testSandbox(fields: Partial<PodSandboxStatus> & { readonly attempt?: number } = {}): PodSandboxStatus {
  const { attempt = 0, ...rest } = fields;
  return {
    id: `sandbox-${attempt}`,
    metadata: { name: 'web', namespace: 'shop', uid: 'uid-1', attempt },
    state: 'ready',
    createdAt: BigInt(attempt + 1),
    labels: {},
    annotations: {},
    runtimeHandler: '',
    ips: ['10.244.0.2'],
    namespaces: { network: 'pod', pid: 'container', ipc: 'pod' },
    ...rest,
  };
}

/** @param name of a container of `pod`, so that its hash fits; another name has the hash of that name and no image */
export function testContainer(pod: corev1.Pod, name: string, fields: Partial<ContainerView> = {}): ContainerView {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return {
    id: `id-${name}-${fields.restartCount ?? 0}`,
    name,
    sandboxId: 'sandbox-0',
    state: 'running',
    restartCount: 0,
    hash: containerHash(all.find((container) => container.name === name) ?? { name }),
    createdAt: 10n,
    startedAt: 1_767_225_600_000_000_000n,
    finishedAt: fields.state === 'exited' ? 1_767_225_610_000_000_000n : 0n,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'nginx',
    imageRef: 'sha256:1',
    logPath: `/logs/${name}/0.log`,
    terminationMessageFile: undefined,
    terminationMessagePolicy: 'File',
    graceSeconds: undefined,
    resources: undefined,
    user: undefined,
    stopSignal: undefined,
    ...fields,
  };
}

export function testView(containers: readonly ContainerView[], sandboxes: readonly PodSandboxStatus[] = [testSandbox()]): PodView {
  return { uid: 'uid-1', name: 'web', namespace: 'shop', sandboxes, containers };
}
