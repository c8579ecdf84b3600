/**
 * The cluster that the end-to-end tests share: brought up by the command itself, as a user would, in a home of its own, with images built
 * here; taken down when the run ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { fetchClientPrograms } from '../../src/cluster/lifecycle/index.ts';
import { buildNetexecImage, buildRedisImage, buildToolboxImage } from './images.ts';
import { knarr } from './knarr.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Why the end-to-end tests cannot run here; empty when they can. */
    readonly e2eUnavailable: string;
    readonly e2eHome: string;
    readonly e2eCluster: string;
    readonly kubectl: string;
    readonly helm: string;
  }
}

/** Outside the tests' home, so that the next run finds it. */
const cache = join(tmpdir(), 'knarr-test-cache');

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const unavailable = process.getuid?.() === 0 ? '' : 'root is needed to run containers';
  project.provide('e2eUnavailable', unavailable);
  if (unavailable) return undefined;
  const { signal } = new AbortController();
  const home = mkdtempSync(join(tmpdir(), 'kn-'));
  const name = `e2e-${process.pid}`;
  const stop = async (): Promise<void> => {
    await knarr(home, ['delete', '--name', name]);
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const [programs] = await Promise.all([
      fetchClientPrograms(cache, 35, signal),
      // So that a test sees in seconds what clients with old versions see after minutes.
      knarr(home, [
        'up',
        '--name',
        name,
        '--no-kubeconfig',
        '--wait',
        '--nodes',
        '2',
        '--extra-config=apiserver.etcd-compaction-interval=10s',
      ]),
    ]);
    await buildToolboxImage(home, name);
    await buildNetexecImage(home, name);
    await buildRedisImage(home, name, cache);
    project.provide('e2eHome', home);
    project.provide('e2eCluster', name);
    project.provide('kubectl', programs.kubectl);
    project.provide('helm', programs.helm);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
