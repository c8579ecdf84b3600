/**
 * Very long lists: what one costs the server in memory beyond the objects that it keeps anyway, and whether ten at once leave room for
 * others. The objects are put into the store before the server starts, which a client could not do in reasonable time.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeForStore } from '../src/apiserver/cache/stored-object.ts';
import { run, silentLogger, systemClock } from '../src/base/index.ts';
import { clusterPaths } from '../src/cluster/home.ts';
import { openLmdbStore } from '../src/store/index.ts';
import { probeGets } from './api-scale.ts';
import { bareName, startBareControlPlane } from './bare-control-plane.ts';
import { type Figure, quantile } from './figure.ts';
import type { ReadersJob } from './list-readers.ts';

const readersProgram = fileURLToPath(new URL('./list-readers.ts', import.meta.url));
const pods = 150_000;
const bigObjects = 1_000;
const bigBytes = 1_000_000;
const sampleMs = 20;
const putsAtOnce = 1_000;

export async function measureLists(): Promise<Figure[]> {
  const home = mkdtempSync(join(tmpdir(), 'kn-lists-'));
  try {
    await fillStore(home);
    await using knarr = await startBareControlPlane({ home });
    const { target, pid } = knarr;
    const before = anonymousMib(pid);
    const read = (plural: string, readers: number): Promise<unknown> => {
      const job: ReadersJob = { target, path: `/api/v1/namespaces/bench/${plural}`, readers };
      return run([process.execPath, readersProgram, JSON.stringify(job)]);
    };
    const long = await whileSampling(pid, () => read('pods', 1));
    const probing = new AbortController();
    const probe = probeGets(target, probing.signal);
    // When the lists fail, so does it, and they tell why.
    probe.catch(() => {});
    const big = await whileSampling(pid, () => read('configmaps', 10));
    probing.abort();
    return [
      { name: 'LIST of 150,000 pods, more memory at its peak', value: long.peakMib - before, unit: 'MiB', goal: '≤ 256' },
      { name: 'LIST of 150,000 pods', value: long.seconds, unit: 's' },
      { name: 'ten lists of 1 GB at once, memory', value: big.peakMib, unit: 'MiB', goal: '≤ 3,072' },
      { name: 'ten lists of 1 GB at once, all', value: big.seconds, unit: 's' },
      { name: 'GET beside them, p99', value: quantile(await probe, 0.99), unit: 'ms', goal: '≤ 50' },
    ];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** As if a cluster had lived there: its pods run on a node that the collector of orphans has not looked for yet. */
async function fillStore(home: string): Promise<void> {
  const directory = clusterPaths(home, bareName).store;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const store = await openLmdbStore({ directory, clock: systemClock, log: silentLogger });
  const metadata = (
    name: string,
  ): { name: string; namespace: string; uid: string; creationTimestamp: string; resourceVersion: string } => ({
    name,
    namespace: 'bench',
    uid: name,
    creationTimestamp: '2026-01-01T00:00:00Z',
    resourceVersion: '',
  });
  const put = (plural: string, object: Parameters<typeof encodeForStore>[0]): Promise<unknown> => {
    const key = `/registry/${plural}/bench/${object.metadata.name}`;
    return store.txn({ key, expectModRevision: 0, op: { type: 'put', value: encodeForStore(object) } });
  };
  const space = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { ...metadata('bench'), namespace: '' },
    spec: { finalizers: ['kubernetes'] },
  };
  await store.txn({ key: '/registry/namespaces/bench', expectModRevision: 0, op: { type: 'put', value: encodeForStore(space) } });
  const spec = { nodeName: 'bench', containers: [{ name: 'main', image: 'example.test/main:1' }] };
  const status = { phase: 'Running', hostIP: '192.0.2.1', message: 'x'.repeat(900) };
  for (let i = 0; i < pods; i += putsAtOnce) {
    const batch = Array.from({ length: putsAtOnce }, (_, j) => put('pods', podOf(metadata(`pod-${i + j}`), spec, status)));
    await Promise.all(batch);
  }
  const payload = 'x'.repeat(bigBytes);
  for (let i = 0; i < bigObjects; i++) {
    const big = { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(`big-${i}`), data: { payload } };
    await put('configmaps', big);
  }
  await store.close();
}

function podOf(
  metadata: Parameters<typeof encodeForStore>[0]['metadata'],
  spec: object,
  status: object,
): Parameters<typeof encodeForStore>[0] {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec, status };
  return pod;
}

async function whileSampling(pid: number, work: () => Promise<unknown>): Promise<{ readonly peakMib: number; readonly seconds: number }> {
  let peakMib = 0;
  const sampler = setInterval(() => (peakMib = Math.max(peakMib, anonymousMib(pid))), sampleMs);
  const start = performance.now();
  try {
    await work();
  } finally {
    clearInterval(sampler);
  }
  return { peakMib, seconds: (performance.now() - start) / 1000 };
}

/** Memory of a process that is no file, in MiB: the store's pages are the kernel's to keep. */
function anonymousMib(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}
