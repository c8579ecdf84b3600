/** A real control-plane process over LMDB on this machine's loopback, without nodes: API server, controllers and scheduler as `up` starts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatTime, systemClock } from '../src/base/index.ts';
import { ReadyProbe } from '../src/cluster/admin-client.ts';
import { ensurePki, readAdminIdentity } from '../src/cluster/cluster-pki.ts';
import { type ClusterRecord, type ComponentFlags, writeClusterRecord } from '../src/cluster/cluster-record.ts';
import { type ClusterPaths, clusterPaths, makePrivateDirectory } from '../src/cluster/home.ts';
import { controlPlaneFlags } from '../src/cluster/launch.ts';
import type { H2Target } from './h2-client.ts';

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
export const bareName = 'bare';
const readyDueMs = 60_000;

export interface BareControlPlane extends AsyncDisposable {
  readonly pid: number;
  readonly target: H2Target;
  /** Directory of its keys and certificates. */
  readonly pki: string;
}

export interface BareControlPlaneOptions {
  /** Where everything of it is kept; default: a new one that is removed at the end. */
  readonly home?: string;
  /** More flags for its Node, such as those of a profiler. */
  readonly flags?: readonly string[];
  /** Every request is written to an audit log, at the level `Metadata`. */
  readonly audited?: boolean;
  /** Fills its store before it starts. */
  readonly prepare?: (paths: ClusterPaths) => Promise<void>;
  /** Range of the nodes' pod ranges; default one for 256 nodes. */
  readonly podCidr?: string;
}

/** Resolves when it is ready. */
export async function startBareControlPlane(options: BareControlPlaneOptions = {}): Promise<BareControlPlane> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'kn-'));
  const paths = clusterPaths(home, bareName);
  const record: ClusterRecord = {
    ...(await nodelessRecord(options.podCidr)),
    ...(options.audited && { apiServerFlags: auditFlags(home) }),
  };
  writeClusterRecord(paths, record);
  makePrivateDirectory(paths.run);
  makePrivateDirectory(paths.logs);
  await ensurePki(record, paths, systemClock);
  await options.prepare?.(paths);
  const logFile = join(paths.logs, 'control-plane.log');
  const log = openSync(logFile, 'a');
  const flags = [...controlPlaneFlags, ...(options.flags ?? []), '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, main, 'run', 'control-plane', '--name', bareName], {
    env: { ...process.env, KNARR_HOME: home },
    stdio: ['ignore', log, log],
    cwd: home,
  });
  closeSync(log);
  const { signal } = new AbortController();
  using probe = new ReadyProbe(record, paths);
  const lateMs = performance.now() + readyDueMs;
  while (!(await probe.isReady(signal))) {
    if (performance.now() > lateMs) {
      await end(child);
      throw new Error(`the control plane was not ready after ${readyDueMs / 1000} s:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    if (child.exitCode !== null) throw new Error(`the control plane ended:\n${readFileSync(logFile, 'utf8')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    pid: child.pid!,
    target: { port: record.apiPort, ...readAdminIdentity(paths) },
    pki: paths.pki,
    [Symbol.asyncDispose]: async () => {
      await end(child);
      if (options.home === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
}

function auditFlags(home: string): ComponentFlags {
  const policy = join(home, 'audit-policy.yaml');
  writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n');
  return {
    'audit-policy-file': [policy],
    'audit-log-path': [join(home, 'audit.log')],
    'audit-log-maxsize': ['100'],
    'audit-log-maxbackup': ['1'],
  };
}

/** Ends a process that was started here. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** No node, no bridge: what would be the bridge's address is the machine's own, since an endpoint of a Service is never a loopback address. */
async function nodelessRecord(podCidr = '10.244.0.0/16'): Promise<ClusterRecord> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const hostIp = own.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  if (hostIp === undefined) throw new Error('this machine has no IPv4 address but the loopback');
  const network = {
    nodeCidr: `${hostIp}/32`,
    hostIp,
    podCidr,
    serviceCidr: '10.96.0.0/16',
    apiServiceIp: '10.96.0.1',
    dnsServiceIp: '10.96.0.10',
  };
  return {
    format: 1,
    name: bareName,
    createdAt: formatTime(systemClock.now()),
    apiPort: await freePort(),
    network,
    nodes: [],
    published: [],
    engine: { registryMirrors: {}, proxyEnv: {} },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
