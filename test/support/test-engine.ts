/**
 * A real containerd for one test file, in its own network and mount namespace, with its own pod network and cgroup parent. It is
 * raised in about half a second and leaves nothing behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '../../src/base/index.ts';
import { mayLowerOomScore } from '../../src/cluster/engine/oom-score.ts';
import { renderContainerdConfig } from '../../src/cluster/engine/containerd-config.ts';
import { loadTestImages, testPauseImage } from './test-images.ts';

export interface TestEngine {
  /** Everything of this engine stands below it. */
  readonly directory: string;
  readonly socket: string;
  /** Absolute cgroup parent that only this engine uses. */
  readonly cgroupRoot: string;
  readonly netns: string;
  readonly pid: number;
  /** Kills containerd with SIGKILL; running containers stay. */
  kill(): Promise<void>;
  /** Starts containerd again after `kill`. */
  restart(): Promise<void>;
  /** The program prefix that enters the engine's namespaces. */
  readonly enter: readonly [string, ...string[]];
  stop(): Promise<void>;
}

/** Why no engine can run here, or undefined. Tests skip with this sentence. */
export function engineUnavailable(): string | undefined {
  if (process.getuid?.() !== 0) return 'root is needed to run containers';
  const missing = ['containerd', 'runc', 'ctr', 'nsenter', 'unshare', 'ip'].filter(
    (program) => !['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin'].some((directory) => existsSync(join(directory, program))),
  );
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined;
}

export async function startTestEngine(name: string): Promise<TestEngine> {
  const { signal } = new AbortController();
  const directory = mkdtempSync(`/tmp/kubelet-${name}-`);
  const id = basename(directory);
  const netns = `knarr-${id}`;
  const mountPin = join(directory, 'pins/mnt');
  const socket = join(directory, 'containerd.sock');
  const cgroupRoot = `/knarr-test-${id}`;
  for (const each of ['pins', 'root', 'state', 'cni', 'certs.d', 'opt']) mkdirSync(join(directory, each));
  writeFileSync(
    join(directory, 'config.toml'),
    renderContainerdConfig({
      root: join(directory, 'root'),
      state: join(directory, 'state'),
      socket,
      cniBinaries: '/usr/lib/cni',
      cniConfig: join(directory, 'cni'),
      registryConfig: join(directory, 'certs.d'),
      optDirectory: join(directory, 'opt'),
      pauseImage: testPauseImage,
      lowersOomScore: mayLowerOomScore(),
    }),
  );
  writeFileSync(join(directory, 'cni/10-pods.conflist'), podNetwork(directory));
  await run(['ip', 'netns', 'add', netns], { signal });
  await run(['ip', '-n', netns, 'link', 'set', 'lo', 'up'], { signal });
  await run(
    [
      'sh',
      '-ec',
      // What a kubelet of this process mounts below the directory shows up in the engine's namespace, but never the other way round.
      `mount --bind '${directory}' '${directory}'; mount --make-rshared '${directory}'
       mount --bind '${directory}/pins' '${directory}/pins'; mount --make-private '${directory}/pins'; touch '${mountPin}'
       exec nsenter --net=/run/netns/${netns} unshare --mount='${mountPin}' --propagation slave sh -ec 'mount --make-rshared /'`,
    ],
    { signal },
  );
  const enter = ['nsenter', `--net=/run/netns/${netns}`, `--mount=${mountPin}`] as const;
  let child = await startContainerd(directory, enter, socket);
  await loadTestImages(socket, signal);

  const kill = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  return {
    directory,
    socket,
    cgroupRoot,
    netns,
    enter,
    get pid() {
      return child.pid!;
    },
    kill,
    restart: async () => {
      child = await startContainerd(directory, enter, socket);
    },
    stop: async () => {
      await removeAllPods(socket, signal);
      await kill();
      await run(
        [
          'sh',
          '-c',
          `umount '${mountPin}'; umount '${directory}/pins'; umount -R -l '${directory}'; ip netns del ${netns}; grep ' ${directory}/' /proc/self/mountinfo | cut -d' ' -f5 | sort -r | xargs -r -n1 umount -l; true`,
        ],
        { signal },
      );
      removeCgroups(cgroupRoot);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function podNetwork(directory: string): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'podnet',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        isDefaultGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: { type: 'host-local', dataDir: join(directory, 'ipam'), ranges: [[{ subnet: '10.244.9.0/24' }]] },
      },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
    ],
  });
}

async function startContainerd(directory: string, enter: readonly [string, ...string[]], socket: string): Promise<ChildProcess> {
  rmSync(socket, { force: true });
  const log = openSync(join(directory, 'containerd.log'), 'a');
  const [program, ...prefix] = enter;
  const child = spawn(program, [...prefix, 'containerd', '-c', join(directory, 'config.toml')], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break;
    try {
      await run(['ctr', '-a', socket, 'version']);
      return child;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`containerd does not answer:\n${readFileSync(join(directory, 'containerd.log'), 'utf8').slice(-2000)}`);
}

/** Whatever a failed test left: tasks are killed so that no shim stays. */
async function removeAllPods(socket: string, signal: AbortSignal): Promise<void> {
  const ctr = ['ctr', '-a', socket, '-n', 'k8s.io'] as const;
  const { stdout } = await run([...ctr, 'tasks', 'list', '-q'], { signal });
  const tasks = stdout.split('\n').filter((id) => id !== '');
  for (const task of tasks) await run([...ctr, 'tasks', 'kill', '-s', 'SIGKILL', task], { signal }).catch(() => undefined);
  for (const task of tasks) await run([...ctr, 'tasks', 'delete', '-f', task], { signal }).catch(() => undefined);
}

const cgroupMount = '/sys/fs/cgroup';

/** Removes the cgroups below `root` in every hierarchy; they must be empty. */
function removeCgroups(root: string): void {
  for (const hierarchy of [cgroupMount, ...readdirSync(cgroupMount).map((each) => join(cgroupMount, each))])
    removeTree(join(hierarchy, root));
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) if (entry.isDirectory()) removeTree(join(directory, entry.name));
  try {
    rmdirSync(directory);
  } catch {
    // A process that is just dying still sits in it; the next run has another name.
  }
}
