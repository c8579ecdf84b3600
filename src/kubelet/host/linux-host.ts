/** The machine that this process runs on, read from /proc and /etc. */
import { cpus, release, totalmem } from 'node:os';
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { mkdir, readFile, statfs } from 'node:fs/promises';
import type { Clock, Random } from '../../base/index.ts';
import { createPodCgroups } from '../cgroups/cgroups.ts';
import { detectCgroups } from '../cgroups/detect.ts';
import type { DiskRoom, KubeletHost, MachineFacts } from './host.ts';
import { createPodFiles } from './pod-files.ts';

export interface LinuxHostOptions {
  readonly rootDir: string;
  readonly podLogsDir: string;
  /** Absolute cgroup under which `kubepods` stands. */
  readonly cgroupRoot: string;
  /** Default `/etc/resolv.conf`. */
  readonly resolvConf: string;
  /** The engine puts containers under AppArmor profiles where the kernel has them. */
  readonly appArmor: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

export function createLinuxHost(options: LinuxHostOptions): KubeletHost {
  return {
    prepare: async () => {
      await mkdir(`${options.rootDir}/pods`, { recursive: true, mode: 0o750 });
      await mkdir(options.podLogsDir, { recursive: true, mode: 0o755 });
    },
    machine: machineFacts(options.rootDir),
    cgroups: createPodCgroups(detectCgroups(options.clock), options.cgroupRoot),
    files: createPodFiles(options),
    appArmor: options.appArmor && readText('/sys/module/apparmor/parameters/enabled').trim() === 'Y',
    readHosts: () => readFile('/etc/hosts', 'utf8').catch(emptyIfMissing),
    readResolvConf: () => (options.resolvConf === '' ? Promise.resolve('') : readFile(options.resolvConf, 'utf8').catch(emptyIfMissing)),
    readings: async (imageFsPath) => {
      const memory = parseMeminfo(await readFile('/proc/meminfo', 'utf8'));
      const nodeFs = await roomOf(options.rootDir);
      const pids = Number(readText('/proc/sys/kernel/pid_max'));
      return {
        memoryAvailableBytes: memory.get('MemAvailable') ?? 0,
        memoryCapacityBytes: memory.get('MemTotal') ?? 0,
        nodeFs,
        imageFs: imageFsPath !== undefined && existsSync(imageFsPath) ? await roomOf(imageFsPath) : nodeFs,
        availablePids: pids - Number(/\/(\d+)/.exec(readText('/proc/loadavg'))?.[1] ?? 0),
        capacityPids: pids,
      };
    },
  };
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386' };

function machineFacts(rootDir: string): MachineFacts {
  const memory = parseMeminfo(readText('/proc/meminfo'));
  const fs = statfsSync(existsSync(rootDir) ? rootDir : '/');
  return {
    cpuMillis: cpus().length * 1000,
    memoryBytes: memory.get('MemTotal') ?? totalmem(),
    swapBytes: memory.get('SwapTotal') ?? 0,
    diskBytes: fs.blocks * fs.bsize,
    hugepages: hugepages(),
    machineId: (readText('/etc/machine-id') || readText('/var/lib/dbus/machine-id')).trim(),
    systemUuid: (readText('/sys/class/dmi/id/product_uuid') || readText('/etc/machine-id')).trim(),
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readText('/etc/os-release'))?.[1] ?? 'Linux',
    architecture: architectures[process.arch] ?? process.arch,
  };
}

/** Capacity by resource name, such as `hugepages-2Mi`. */
function hugepages(): Record<string, string> {
  const root = '/sys/kernel/mm/hugepages';
  if (!existsSync(root)) return {};
  return Object.fromEntries(
    readdirSync(root).flatMap((name) => {
      const kib = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
      if (kib === 0) return [];
      const size = kib >= 1024 * 1024 ? `${kib / 1024 / 1024}Gi` : kib >= 1024 ? `${kib / 1024}Mi` : `${kib}Ki`;
      const bytes = Number(readText(`${root}/${name}/nr_hugepages`)) * kib * 1024;
      return [[`hugepages-${size}`, bytes === 0 ? '0' : `${bytes / 1024}Ki`]];
    }),
  );
}

/** `/proc/meminfo` in bytes. */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)].map(([, name, kib]) => [name!, Number(kib) * 1024]));
}

async function roomOf(path: string): Promise<DiskRoom> {
  const fs = await statfs(path);
  return {
    availableBytes: fs.bavail * fs.bsize,
    capacityBytes: fs.blocks * fs.bsize,
    availableInodes: fs.ffree,
    capacityInodes: fs.files,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return emptyIfMissing(error);
  }
}

/** Some machines lack some of these files, or keep them from us: then the fact is unknown. */
function emptyIfMissing(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return '';
  throw error;
}
