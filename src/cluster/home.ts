/**
 * Where Knarr keeps what it keeps: `$KNARR_HOME`, one directory a cluster. Only this file knows the layout. Everything is 0700 or
 * 0600, whatever the umask was.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Longest cluster name: it stands in interface, cgroup and namespace names. */
const maxNameLength = 32;
const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** `$KNARR_HOME`; root's default is `/var/lib/knarr`. */
export function knarrHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  // Processes of a cluster run in other directories, so a relative path would lead elsewhere in them.
  if (env['KNARR_HOME']) return resolve(env['KNARR_HOME']);
  if (process.getuid?.() === 0) return '/var/lib/knarr';
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'knarr');
}

/**
 * Where the clusters of a home begin to look for addresses. A stopped cluster of another home is not known to them, so each home begins
 * elsewhere; the usual one at the addresses that everyone knows.
 */
export function firstBlockOf(home: string): number {
  return home === knarrHome({}) ? 0 : createHash('sha256').update(home).digest().readUInt16BE();
}

/** Why `name` cannot be a cluster's name; undefined when it can. */
export function clusterNameFault(name: string): string | undefined {
  if (name.length <= maxNameLength && namePattern.test(name)) return undefined;
  return `a cluster's name is at most ${maxNameLength} lower-case letters, digits and hyphens, and starts and ends with a letter or digit: "${name}"`;
}

/** The longest path of a Unix socket, without the byte that ends it. */
const maxSocketPath = 107;

/** Why a cluster cannot be kept in `home`; undefined when it can. @param index the highest number of its nodes */
export function homeFault(home: string, name: string, index = 1): string | undefined {
  if (!/^[\w./+@:,=-]+$/.test(home)) return `KNARR_HOME must be a path of letters, digits and ./_+@:,=- only: "${home}"`;
  const excess = `${nodePaths(clusterPaths(home, name), index).criSocket}.ttrpc`.length - maxSocketPath;
  if (excess > 0) return `the path ${home} is ${excess} characters too long for sockets below it; take a shorter KNARR_HOME or --name`;
  return undefined;
}

/** Paths of one cluster. */
export interface ClusterPaths {
  readonly root: string;
  /** The cluster's own record. */
  readonly record: string;
  readonly pki: string;
  readonly store: string;
  readonly logs: string;
  /** Process records, sockets and pinned namespaces: nothing in it outlives the boot. */
  readonly run: string;
  readonly adminKubeconfig: string;
  /** Present while the cluster is meant to be stopped: nobody restarts anybody. */
  readonly stoppingMark: string;
  readonly supervisorSocket: string;
  /** Held by the command that changes the cluster. */
  readonly lock: string;
  /** The boot that `run` belongs to. */
  readonly bootId: string;
}

export function clusterPaths(home: string, name: string): ClusterPaths {
  const root = join(home, 'clusters', name);
  const run = join(root, 'run');
  return {
    root,
    record: join(root, 'cluster.json'),
    pki: join(root, 'pki'),
    store: join(root, 'store'),
    logs: join(root, 'logs'),
    run,
    adminKubeconfig: join(root, 'admin.kubeconfig'),
    stoppingMark: join(run, 'stopping'),
    supervisorSocket: join(run, 'supervisor.sock'),
    lock: join(root, 'lock'),
    bootId: join(run, 'boot-id'),
  };
}

/** Paths of one node. */
export interface NodePaths {
  readonly root: string;
  readonly containerdConfig: string;
  readonly containerdRoot: string;
  readonly containerdState: string;
  readonly criSocket: string;
  readonly cniConfig: string;
  readonly registryConfig: string;
  readonly kubelet: string;
  readonly podLogs: string;
  /** Volumes that are directories of the node. */
  readonly volumes: string;
  /** The node's own /run, /etc/resolv.conf and so on, bound over the host's in its mount namespace. */
  readonly overlay: string;
  readonly log: string;
  readonly containerdLog: string;
}

/** @param index the node's number, 1 for the first; it stands for the name because socket paths must stay short */
export function nodePaths(cluster: ClusterPaths, index: number): NodePaths {
  const root = join(cluster.root, 'nodes', String(index));
  return {
    root,
    containerdConfig: join(root, 'containerd.toml'),
    containerdRoot: join(root, 'containerd'),
    containerdState: join(root, 'state'),
    // Short on purpose: a Unix socket's path has at most 107 bytes.
    criSocket: join(root, 'cri.sock'),
    cniConfig: join(root, 'cni'),
    registryConfig: join(root, 'certs.d'),
    kubelet: join(root, 'kubelet'),
    podLogs: join(root, 'pod-logs'),
    volumes: join(root, 'volumes'),
    overlay: join(root, 'overlay'),
    log: join(cluster.logs, `agent-${index}.log`),
    containerdLog: join(cluster.logs, `containerd-${index}.log`),
  };
}

/** Names on the machine that belong to one cluster. An interface's name has at most 15 characters, so long cluster names are hashed there. */
export interface MachineNames {
  readonly bridge: string;
  readonly nftTable: string;
  /** Absolute, below every cgroup hierarchy. */
  readonly cgroup: string;
  readonly veth: (index: number) => string;
  readonly netns: (index: number) => string;
}

export function machineNames(cluster: string): MachineNames {
  const tag = cluster.length <= 8 ? cluster : createHash('sha256').update(cluster).digest('hex').slice(0, 8);
  return {
    bridge: `kn-${tag}`,
    nftTable: `knarr-${cluster}`,
    cgroup: `/knarr-${cluster}`,
    // Not the bridge's name with a number: a cluster may be called like another one with a number behind it.
    veth: (index) => `kv-${tag}-${index}`,
    netns: (index) => `knarr-${cluster}-${index}`,
  };
}

/** Makes a private directory with its parents. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
