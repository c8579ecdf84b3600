/** A cluster of a bench's own: in a home of its own, brought up and taken away by the command itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appsv1Resources, corev1Resources, type KubeObject } from '../src/api/index.ts';
import type { Client } from '../src/client/index.ts';
import { clusterPaths, readClusterRecord } from '../src/cluster/index.ts';
import { openAdminClient } from '../src/cluster/admin/index.ts';
import { toolbox } from '../test/e2e/images.ts';
import { knarr } from '../test/e2e/knarr.ts';

export const launcher: string = fileURLToPath(new URL('../bin/knarr', import.meta.url));

export interface BenchCluster {
  readonly home: string;
  readonly name: string;
}

/** Runs `measure` with a name and a home that nobody else has; whatever it started is gone afterwards. */
export async function withBenchCluster<T>(measure: (cluster: BenchCluster) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), 'kn-'));
  const name = `bench-${process.pid}`;
  try {
    return await measure({ home, name });
  } finally {
    if (readClusterRecord(clusterPaths(home, name))) await knarr(home, ['delete', '--name', name]);
    rmSync(home, { recursive: true, force: true });
  }
}

export interface BenchClient extends AsyncDisposable {
  readonly api: Client;
  readonly signal: AbortSignal;
}

/** The administrator's client. */
export function openClient({ home, name }: BenchCluster): BenchClient {
  const paths = clusterPaths(home, name);
  const opened = openAdminClient(readClusterRecord(paths)!, paths);
  const { signal } = new AbortController();
  return { api: opened.api, signal, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

/** Applies a Deployment of one pod, waits until that pod runs, and deletes the Deployment. */
export async function runFirstPod(cluster: BenchCluster, name: string): Promise<void> {
  await using client = openClient(cluster);
  const { signal } = client;
  const key = { namespace: 'default', name };
  const body = podDeployment(name);
  const options = { signal, query: { fieldManager: 'bench' } };
  await client.api.patch<KubeObject>(appsv1Resources.deployments, key, { type: 'application/apply-patch+yaml', body }, options);
  for (;;) {
    const { items } = await client.api.list(corev1Resources.pods, { signal, namespace: 'default', labelSelector: `app=${name}` });
    if (items[0]?.status.phase === 'Running') break;
    await pause(10);
  }
  await client.api.delete(appsv1Resources.deployments, key, { signal });
}

function podDeployment(name: string) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: sleepingPod() } },
  };
}

/** A pod of one container that does nothing. */
export function sleepingPod() {
  return { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: toolbox, args: ['-c', 'exec sleep 100000'] }] };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
