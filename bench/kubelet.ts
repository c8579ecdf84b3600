/**
 * What the kubelet adds to the start of a pod: from binding to Running in the API, against the three calls that the engine needs for the
 * same pod when nobody else asks it anything. The two take turns, so that both see the same machine.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type corev1, corev1Resources, type Unsaved } from '../src/api/index.ts';
import { systemClock } from '../src/base/index.ts';
import type { WatchEvent } from '../src/client/index.ts';
import { clusterPaths, nodePaths } from '../src/cluster/index.ts';
import { connectCri, type Runtime } from '../src/kubelet/index.ts';
import { buildToolboxImage, toolbox } from '../test/e2e/images.ts';
import { knarr } from '../test/e2e/knarr.ts';
import { type BenchClient, type BenchCluster, openClient, sleepingPod, withBenchCluster } from './cluster.ts';
import { type Figure, median } from './figure.ts';

const warmUps = 3;
const rounds = 20;

export function measureKubelet(): Promise<Figure[]> {
  return withBenchCluster(async (cluster) => {
    await knarr(cluster.home, ['up', '--name', cluster.name, '--no-kubeconfig', '--wait']);
    await buildToolboxImage(cluster.home, cluster.name);
    const engine = await openEngine(cluster);
    await using client = openClient(cluster);
    const bare: number[] = [];
    const whole: number[] = [];
    for (let round = -warmUps; round < rounds; round++) {
      const calls = await engine.startPod();
      const pod = await startPod(client, `pod-${round + warmUps}`);
      if (round < 0) continue;
      bare.push(calls);
      whole.push(pod);
    }
    await engine.close();
    const overhead = median(whole) - median(bare);
    return [
      { name: 'the three CRI calls by themselves, p50', value: median(bare), unit: 'ms' },
      { name: 'a pod from binding to Running, p50', value: median(whole), unit: 'ms' },
      { name: "the kubelet's own share, p50", value: overhead, unit: 'ms', goal: '≤ 100' },
    ];
  });
}

interface Engine {
  /** Starts a pod by bare calls, ends it, and returns how many milliseconds the start took. */
  startPod(): Promise<number>;
  close(): Promise<void>;
}

async function openEngine({ home, name }: BenchCluster): Promise<Engine> {
  const files = nodePaths(clusterPaths(home, name), 1);
  const cri = connectCri(files.criSocket, { clock: systemClock });
  const call = { signal: new AbortController().signal };
  const image = await cri.images.imageStatus({ image: toolbox }, call);
  if (!image) throw new Error(`the engine does not have ${toolbox}`);
  return {
    startPod: async () => {
      const uid = randomUUID();
      const logDirectory = join(files.podLogs, uid);
      mkdirSync(logDirectory, { recursive: true });
      const started = await timedCalls(cri, { uid, logDirectory, image: image.id, cgroupParent: `/knarr-${name}/node-1/bare-${uid}` });
      await cri.runtime.stopPodSandbox(started.sandboxId, call);
      await cri.runtime.removePodSandbox(started.sandboxId, call);
      return started.ms;
    },
    close: () => cri.close(),
  };
}

async function timedCalls(
  { runtime }: Runtime,
  pod: { readonly uid: string; readonly logDirectory: string; readonly image: string; readonly cgroupParent: string },
): Promise<{ readonly ms: number; readonly sandboxId: string }> {
  const call = { signal: new AbortController().signal };
  const security = { namespaces: { network: 'pod', pid: 'container', ipc: 'pod' } } as const;
  const sandboxConfig = {
    metadata: { name: 'bare', namespace: 'bare', uid: pod.uid, attempt: 0 },
    hostname: 'bare',
    logDirectory: pod.logDirectory,
    portMappings: [],
    labels: {},
    annotations: {},
    cgroupParent: pod.cgroupParent,
    sysctls: {},
    security,
  };
  const config = {
    metadata: { name: 'main', attempt: 0 },
    image: { image: pod.image },
    command: [],
    args: ['-c', 'exec sleep 100000'],
    workingDir: '',
    env: [],
    mounts: [],
    devices: [],
    labels: {},
    annotations: {},
    logPath: 'main.log',
    stdin: false,
    stdinOnce: false,
    tty: false,
    resources: {},
    security,
  };
  const startMs = performance.now();
  const sandboxId = await runtime.runPodSandbox(sandboxConfig, call);
  const containerId = await runtime.createContainer({ sandboxId, config, sandboxConfig }, call);
  await runtime.startContainer(containerId, call);
  return { ms: performance.now() - startMs, sandboxId };
}

/** Makes a pod, follows it from its binding to Running, deletes it, and returns how many milliseconds the way took. */
async function startPod({ api, signal }: BenchClient, name: string): Promise<number> {
  const stop = new AbortController();
  const pod: Unsaved<corev1.Pod> = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: sleepingPod() };
  const events = api.watch(corev1Resources.pods, {
    signal: AbortSignal.any([signal, stop.signal]),
    namespace: 'default',
    fieldSelector: `metadata.name=${name}`,
  });
  let boundMs: number | undefined;
  let runningMs: number | undefined;
  const follow = (event: WatchEvent<corev1.Pod>): boolean => {
    if (event.type === 'DELETED') return true;
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') return false;
    const { spec, status } = event.object;
    if (spec.nodeName) boundMs ??= performance.now();
    if (status.phase !== 'Running' || runningMs !== undefined) return false;
    runningMs = performance.now();
    void api.delete(corev1Resources.pods, { namespace: 'default', name }, { signal });
    return false;
  };
  await api.create(corev1Resources.pods, pod, { signal });
  for await (const batch of events) if (batch.some(follow)) break;
  stop.abort();
  if (boundMs === undefined || runningMs === undefined) throw new Error(`pod ${name} never ran`);
  return runningMs - boundMs;
}
