/**
 * The pod network of one node: waits for the node's pod subnet, then writes the engine's CNI configuration and the rules that let pods
 * reach the outside. The CNI plugins do the rest.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type corev1, corev1Resources } from '../api/index.ts';
import { type Ctx, ProcessError, run, type TaskGroup } from '../base/index.ts';
import { type InformerFactory, untilAborted } from '../client/index.ts';
import { renderCniConfig, renderEgressTable } from './network-config.ts';

export interface PodNetworkConfig {
  readonly nodeName: string;
  /** Name of the nftables table and of the CNI network; one a cluster. */
  readonly name: string;
  /** Addresses of all pods of the cluster. */
  readonly clusterCidr: string;
  /** Where the engine looks for CNI configurations. */
  readonly cniConfigDir: string;
  /** Where the address plugin keeps what it gave out. */
  readonly ipamDir: string;
  readonly mtu: number;
  readonly informers: InformerFactory;
  readonly group: TaskGroup;
}

const configFile = '10-knarr.conflist';

/** Starts it; runs until the group closes. */
export function startPodNetwork(config: PodNetworkConfig): void {
  const nodes = config.informers.informer(corev1Resources.nodes, { fieldSelector: `metadata.name=${config.nodeName}` });
  config.group.spawn('pod network', async (ctx) => {
    await prepareKernel(ctx);
    const node = await new Promise<corev1.Node>((resolve, reject) => {
      const take = (seen: corev1.Node): void => {
        if (seen.spec.podCIDR) resolve(seen);
      };
      nodes.addHandler({ added: take, updated: (_old, seen) => take(seen) });
      config.informers.start();
      untilAborted(new Promise<never>(() => {}), ctx.signal).catch(reject);
    });
    await raise(config, node.spec.podCIDR!, ctx);
    ctx.log.info('pod network is up', { podCIDR: node.spec.podCIDR });
  });
}

async function raise(config: PodNetworkConfig, subnet: string, ctx: Ctx): Promise<void> {
  await run(['nft', '-f', '-'], { signal: ctx.signal, input: renderEgressTable(config.name, config.clusterCidr) });
  mkdirSync(config.cniConfigDir, { recursive: true, mode: 0o700 });
  const text = renderCniConfig({ name: config.name, subnet, ipamDir: config.ipamDir, mtu: config.mtu });
  const path = join(config.cniConfigDir, configFile);
  // The engine reads the directory whenever it changes: other configurations would win by name, and a torn file would be refused.
  for (const other of readdirSync(config.cniConfigDir))
    if (other !== configFile) rmSync(join(config.cniConfigDir, other), { recursive: true });
  if (readIfThere(path) === text) return;
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Forwarding, and bridged packets through the translation rules: without it a pod's answer to a neighbour behind a Service is lost. */
async function prepareKernel(ctx: Ctx): Promise<void> {
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  const bridgeFilter = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  if (readIfThere(bridgeFilter) === undefined) {
    try {
      await run(['modprobe', 'br_netfilter'], { signal: ctx.signal });
    } catch (err) {
      if (!(err instanceof ProcessError)) throw err;
      ctx.log.error('the kernel module br_netfilter is missing: Services do not reach pods on the same node', { err });
      return;
    }
  }
  writeFileSync(bridgeFilter, '1');
}
