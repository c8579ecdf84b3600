/** `knarr status`: what runs, what it takes, and whether the nodes are Ready. */
import { corev1Resources, isConditionTrue } from '../api/index.ts';
import type { Ctx, ProcessIdentity } from '../base/index.ts';
import { openAdminClient, ReadyProbe } from './admin-client.ts';
import { ClusterError } from './cluster-error.ts';
import { type ClusterRecord, readClusterRecord } from './cluster-record.ts';
import { type ClusterPaths, clusterPaths, nodePaths } from './home.ts';
import { agentRecord, containerdRecord, controlPlaneRecord } from './launch.ts';
import { proportionalBytes } from './process-memory.ts';
import { isOff } from './nodes/power.ts';
import { readRunningRecord } from './process-record.ts';
import { knarrVersion } from './version.ts';

export interface ComponentStatus {
  readonly name: string;
  /** Null while it does not run. */
  readonly pid: number | null;
  /** Resident bytes that are its own, shared pages counted by share. */
  readonly rssBytes: number;
  readonly version: string;
  readonly ready: boolean;
  /** Of a node that somebody switched off. */
  readonly off: boolean;
}

export interface NodeStatus {
  readonly name: string;
  readonly ready: boolean;
  /** Somebody switched it off. */
  readonly off: boolean;
  readonly ip: string;
  /** Where another pod network than ours is to put its CNI configuration; null when the network is ours. */
  readonly cniDirectory: string | null;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
}

export interface ClusterStatus {
  readonly name: string;
  readonly running: boolean;
  readonly server: string;
  readonly components: readonly ComponentStatus[];
  readonly nodes: readonly NodeStatus[];
}

/** @throws ClusterError when there is no such cluster */
export async function clusterStatus(options: { readonly home: string; readonly name: string }, ctx: Ctx): Promise<ClusterStatus> {
  const paths = clusterPaths(options.home, options.name);
  const record = readClusterRecord(paths);
  if (!record) throw new ClusterError(`there is no cluster "${options.name}"`);
  const controlPlane = readRunningRecord(controlPlaneRecord(paths));
  using probe = new ReadyProbe(record, paths);
  const apiReady = controlPlane !== undefined && (await probe.isReady(ctx.signal));
  const nodes = apiReady
    ? await nodeStatuses(record, paths, ctx)
    : record.nodes.map(({ name, index, ip }): NodeStatus => ({
        name,
        ip,
        ready: false,
        off: isOff(paths, index),
        cniDirectory: cniDirectory(record, paths, index),
        conditions: [],
      }));
  const components = [component('control-plane', controlPlane, { version: knarrVersion, ready: apiReady, off: false })];
  for (const { name, index } of record.nodes) {
    const node = nodes.find((each) => each.name === name);
    const agent = readRunningRecord(agentRecord(paths, index));
    const engine = readRunningRecord(containerdRecord(paths, index));
    const off = isOff(paths, index);
    components.push(
      component(`agent-${index}`, agent, { version: knarrVersion, ready: agent !== undefined && node?.ready === true, off }),
      component(`containerd-${index}`, engine, { version: nodeEngineVersion(node), ready: engine !== undefined, off }),
    );
  }
  return {
    name: record.name,
    running: controlPlane !== undefined,
    server: `https://127.0.0.1:${record.apiPort}`,
    components,
    nodes: nodes.map(({ name, ready, off, ip, cniDirectory, conditions }) => ({ name, ready, off, ip, cniDirectory, conditions })),
  };
}

function cniDirectory({ podNetwork }: ClusterRecord, paths: ClusterPaths, index: number): string | null {
  return podNetwork?.backend.type === 'none' ? nodePaths(paths, index).cniConfig : null;
}

interface ReadNode extends NodeStatus {
  readonly engineVersion?: string;
}

function nodeEngineVersion(node: ReadNode | undefined): string {
  return node?.engineVersion?.replace('containerd://', '') ?? '';
}

function component(
  name: string,
  record: ProcessIdentity | undefined,
  facts: Pick<ComponentStatus, 'version' | 'ready' | 'off'>,
): ComponentStatus {
  return { name, pid: record?.pid ?? null, rssBytes: record ? proportionalBytes(record.pid) : 0, ...facts };
}

async function nodeStatuses(record: ClusterRecord, paths: ClusterPaths, { signal }: Ctx): Promise<ReadNode[]> {
  await using client = openAdminClient(record, paths);
  const { items } = await client.api.list(corev1Resources.nodes, { signal });
  return record.nodes.map(({ name, index, ip }): ReadNode => {
    const node = items.find((each) => each.metadata.name === name);
    const conditions = (node?.status.conditions ?? []).map(({ type, status, reason = '' }) => ({ type, status, reason }));
    const engineVersion = node?.status.nodeInfo?.containerRuntimeVersion;
    const off = isOff(paths, index);
    // What the API says of a node that was switched off may be half a minute old.
    const ready = !off && isConditionTrue(node?.status.conditions, 'Ready');
    return { name, ip, ready, off, cniDirectory: cniDirectory(record, paths, index), conditions, ...(engineVersion && { engineVersion }) };
  });
}
