/**
 * A cluster that belongs to one test file, for what kills processes or counts what is left. Its name is short on purpose: it then stands in
 * full in every name on the machine, so that what other clusters do at the same time is told apart.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { ProcessError, run } from '../../src/base/index.ts';
import { knarr, type KnarrOptions, knarrOutput, launcher } from './knarr.ts';

export interface Component {
  readonly name: string;
  readonly pid: number | null;
  readonly ready: boolean;
  /** Of a node that was switched off. */
  readonly off: boolean;
  readonly rssBytes: number;
  readonly version: string;
}

export interface Status {
  readonly components: readonly Component[];
  readonly nodes: readonly { readonly name: string; readonly ready: boolean; readonly off: boolean }[];
}

export class OwnCluster {
  readonly home: string;
  readonly name: string;
  /** What every command runs through. */
  readonly through: readonly string[];

  /** @param options.netns network namespace that plays the host; default: the machine's own */
  constructor(options: { readonly name: string; readonly home?: string; readonly netns?: string }) {
    this.name = options.name;
    this.home = options.home ?? mkdtempSync(join(tmpdir(), 'kn-'));
    this.through = options.netns ? ['nsenter', `--net=/run/netns/${options.netns}`] : [];
  }

  get directory(): string {
    return join(this.home, 'clusters', this.name);
  }

  knarr(args: readonly string[], options: KnarrOptions = {}): Promise<string> {
    return knarr(this.home, [...args, '--name', this.name], { through: this.through, ...options });
  }

  /** Standard error of a call that must fail. */
  async failing(args: readonly string[], options: KnarrOptions = {}): Promise<string> {
    try {
      await this.knarr(args, options);
    } catch (error) {
      if (error instanceof ProcessError) return error.stderr;
      throw error;
    }
    throw new Error(`knarr ${args.join(' ')} did not fail`);
  }

  /** What a command says to people while it works. */
  async said(args: readonly string[]): Promise<string> {
    return (await knarrOutput(this.home, [...args, '--name', this.name], { through: this.through })).stderr;
  }

  /** A running command, to be interrupted. */
  start(args: readonly string[]): ChildProcess {
    const [program, ...rest] = [...this.through, launcher, ...args, '--name', this.name];
    return spawn(program, rest, { env: { ...process.env, KNARR_HOME: this.home }, stdio: ['ignore', 'pipe', 'ignore'] });
  }

  /** A running command that knows nothing of clusters of this machine. */
  startBare(args: readonly string[]): ChildProcess {
    const [program = '', ...rest] = [...this.through, launcher, ...args];
    return spawn(program, rest, { env: { ...process.env, KNARR_HOME: this.home }, stdio: 'ignore' });
  }

  async up(...args: string[]): Promise<void> {
    await this.knarr(['up', '--no-kubeconfig', ...args]);
  }

  async down(): Promise<void> {
    await this.knarr(['down']);
  }

  /** Deletes the cluster and its home; for the end of a test file. */
  async remove(): Promise<void> {
    if (readdirSync(this.home).includes('clusters')) await this.knarr(['delete']);
    rmSync(this.home, { recursive: true, force: true });
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const command = [...this.through, inject('kubectl'), '--kubeconfig', join(this.directory, 'admin.kubeconfig'), ...args];
    const [program, ...rest] = command;
    return (await run([program!, ...rest], input === undefined ? {} : { input })).stdout;
  }

  async status(): Promise<Status> {
    // Exit code 1 says that something is not ready; the JSON is printed all the same.
    const script = `"$@" || [ $? = 1 ]`;
    const command = [launcher, 'status', '-o', 'json', '--name', this.name];
    const [program, ...rest] = [...this.through, 'sh', '-c', script, 'sh', ...command];
    return JSON.parse((await run([program!, ...rest], { env: { KNARR_HOME: this.home } })).stdout) as Status;
  }

  /** Whether everything runs and is ready. */
  async whole(): Promise<boolean> {
    const { components, nodes } = await this.status();
    return components.every(({ ready, off }) => ready || off) && nodes.every(({ ready, off }) => ready || off);
  }

  async pid(component: string): Promise<number> {
    const { components } = await this.status();
    const pid = components.find((each) => each.name === component)?.pid;
    if (!pid) throw new Error(`${component} does not run`);
    return pid;
  }

  /** Container IDs and restart counts of the pods that `selector` selects, one pod a line. */
  containers(selector: string): Promise<string> {
    const fields = '{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}';
    return this.kubectl(['get', 'pods', '-l', selector, '-o', `jsonpath={range .items[*]}${fields}{"\\n"}{end}`]);
  }

  /** Asks the engine of the first node itself. */
  async engine(args: readonly string[]): Promise<string> {
    return (await run(['ctr', '-a', join(this.directory, 'nodes/1/cri.sock'), '-n', 'k8s.io', ...args])).stdout;
  }

  /** The ID of a pod's running sandbox; empty when it has none. */
  async sandbox(pod: string): Promise<string> {
    const kind = `labels."io.cri-containerd.kind"==sandbox,labels."io.kubernetes.pod.name"==${pod}`;
    const ids = (await this.engine(['containers', 'ls', '-q', kind])).trim().split('\n');
    const tasks = await this.engine(['tasks', 'ls']);
    return ids.find((id) => new RegExp(`^${id} +\\d+ +RUNNING`, 'm').test(tasks)) ?? '';
  }

  /** Everything on the machine that carries this cluster's name or home; empty lists when nothing is left of it. */
  async inventory(): Promise<Readonly<Record<string, readonly string[]>>> {
    const lines = async (pattern: RegExp, ...command: string[]): Promise<string[]> => {
      const [program, ...rest] = [...this.through, ...command];
      return (await run([program!, ...rest])).stdout.split('\n').filter((line) => pattern.test(line));
    };
    // Another cluster may be called like this one with a number behind it.
    const ofNode = new RegExp(`knarr-${this.name}-\\d+$`);
    const ofBridge = new RegExp(`\\bkn-${this.name}\\b(?!-)`);
    return {
      mounts: readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes(`${this.directory}/`) || ofNode.test(line.split(' ')[4] ?? '')),
      namespaces: readdirSync('/run/netns').filter((name) => ofNode.test(name)),
      interfaces: await lines(new RegExp(`\\b(kn-${this.name}|kv-${this.name}-\\d+)[:@]`), 'ip', '-o', 'link'),
      routes: await lines(ofBridge, 'sh', '-c', 'ip -4 route show table all; ip -6 route show table all'),
      rules: await lines(new RegExp(`\\bk(narr|n)-${this.name}\\b(?!-)`), 'nft', 'list', 'ruleset'),
      cgroups: await lines(/./, 'find', '/sys/fs/cgroup', '-maxdepth', '2', '-type', 'd', '-name', `knarr-${this.name}`),
      processes: this.processes(),
    };
  }

  /** Pids and command lines of whatever was started for this home, is in a cgroup of this cluster, or has its root below this home. */
  processes(): string[] {
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      const read = (file: string): string => readUnlessGone(`/proc/${pid}/${file}`);
      if (hasEnded(read('stat'))) return [];
      const commandLine = read('cmdline');
      const ours =
        commandLine.includes(this.home) ||
        read('environ').includes(`KNARR_HOME=${this.home}\0`) ||
        read('cgroup').includes(`/knarr-${this.name}/`) ||
        read('mountinfo')
          .split('\n')
          .some((line) => line.split(' ')[4] === '/' && line.includes(this.home));
      return ours ? [`${pid} ${commandLine.replaceAll('\0', ' ')}`] : [];
    });
  }
}

/**
 * @param stat a line of /proc/PID/stat. A zombie runs no more, but keeps its cgroup's name until its parent asks for its exit code; the parent
 *   of what outlived its own is the machine's first process, which takes its time under load.
 */
function hasEnded(stat: string): boolean {
  return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

function readUnlessGone(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // ESRCH and ENOENT: it ended meanwhile. EINVAL: a zombie has no mounts. EACCES: not even root may look.
    if (['ENOENT', 'ESRCH', 'EINVAL', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** What `inventory` is when nothing is left. */
export const nothing = { mounts: [], namespaces: [], interfaces: [], routes: [], rules: [], cgroups: [], processes: [] } as const;
