/**
 * Finds the programs that a node needs, of whatever origin: Debian's, Docker's, or those that Knarr unpacked under its own home
 * because they could not be installed beside what is there.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** A program or plugin, what it is for, and the Debian package that has it. */
export interface Requirement {
  readonly program: string;
  readonly package: string;
  readonly purpose: string;
  /** CNI plugins stand in a directory of their own, not on PATH. */
  readonly cni?: true;
}

/** What `knarr up` cannot do without. */
export const requirements: readonly Requirement[] = [
  { program: 'containerd', package: 'containerd', purpose: 'the container engine' },
  { program: 'ctr', package: 'containerd', purpose: 'loads images into the engine' },
  { program: 'runc', package: 'runc', purpose: 'starts containers for the engine' },
  { program: 'bridge', package: 'containernetworking-plugins', purpose: 'connects pods to the network', cni: true },
  { program: 'host-local', package: 'containernetworking-plugins', purpose: 'gives pods their addresses', cni: true },
  { program: 'portmap', package: 'containernetworking-plugins', purpose: 'host ports of pods', cni: true },
  { program: 'loopback', package: 'containernetworking-plugins', purpose: "a pod's own loopback", cni: true },
  { program: 'nft', package: 'nftables', purpose: 'Services and address translation' },
  { program: 'iptables', package: 'iptables', purpose: 'used by the portmap plugin' },
  { program: 'ip', package: 'iproute2', purpose: 'network namespaces, bridges and routes' },
  { program: 'conntrack', package: 'conntrack', purpose: 'forgets connections to endpoints that are gone' },
  { program: 'busybox', package: 'busybox-static', purpose: 'the example image' },
  { program: 'nsenter', package: 'util-linux', purpose: 'enters the namespaces of a node' },
  { program: 'mount', package: 'mount', purpose: 'volumes' },
];

/** What `knarr up --ingress` needs beside that. */
export const ingressRequirements: readonly Requirement[] = [{ program: 'haproxy', package: 'haproxy', purpose: 'serves Ingresses' }];

/** Where programs are looked for besides PATH, so that a bare environment finds the system's too. */
const systemDirectories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const cniDirectories = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];

/** Programs that Knarr unpacked itself. */
export function toolsDirectory(home: string): string {
  return join(home, 'tools');
}

/** PATH for everything that runs on behalf of a cluster: the user's, the system's, then our own tools. */
export function searchPath(home: string, path = process.env['PATH'] ?? ''): string {
  const tools = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((directory) => join(toolsDirectory(home), directory));
  return [...new Set([...path.split(':').filter(Boolean), ...systemDirectories, ...tools])].join(':');
}

/** The first executable of that name; undefined when there is none. */
export function findProgram(program: string, home: string): string | undefined {
  return searchPath(home)
    .split(':')
    .map((directory) => join(directory, program))
    .find(isExecutable);
}

/** The directory that holds every CNI plugin we need; undefined when none does. */
export function findCniDirectory(home: string): string | undefined {
  const plugins = requirements.filter(({ cni }) => cni).map(({ program }) => program);
  return [...cniDirectories, join(toolsDirectory(home), 'usr/lib/cni')].find((directory) =>
    plugins.every((plugin) => isExecutable(join(directory, plugin))),
  );
}

/** What is missing on this machine. */
export function missingRequirements(home: string, needed: readonly Requirement[] = requirements): Requirement[] {
  const cni = findCniDirectory(home);
  return needed.filter((requirement) => (requirement.cni ? cni === undefined : findProgram(requirement.program, home) === undefined));
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
