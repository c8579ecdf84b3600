/**
 * A cluster's bridge says whose it is: home and API port stand in the interface's alias. So clusters of different homes know of each other
 * without a common file, and the knowledge goes with the bridge.
 */
import { realpathSync } from 'node:fs';
import { type Ctx, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { machineNames } from '../home.ts';

export interface BridgeMark {
  readonly bridge: string;
  readonly home: string;
  readonly apiPort: number;
}

/** The alias of a cluster's bridge. A path has at most some 40 characters here (sockets), an alias may have 255. */
export function formatMark(home: string, apiPort: number): string {
  return `knarr ${apiPort} ${realpathSync(home)}`;
}

/** The mark in the alias of `bridge`; undefined when Knarr did not write it. Pure. */
export function parseMark(bridge: string, alias: string): BridgeMark | undefined {
  const match = /^knarr (\d+) (\/.*)$/.exec(alias);
  return match ? { bridge, apiPort: Number(match[1]), home: match[2]! } : undefined;
}

/** The marks of all clusters that are up on this machine. */
export async function listBridgeMarks({ signal }: Pick<Ctx, 'signal'>): Promise<BridgeMark[]> {
  const { stdout } = await run(['ip', '-j', 'link', 'show', 'type', 'bridge'], { signal });
  const links = JSON.parse(stdout || '[]') as { ifname?: string; ifalias?: string }[];
  return links.flatMap(({ ifname, ifalias }) => (ifname && ifalias ? (parseMark(ifname, ifalias) ?? []) : []));
}

/** The mark of a cluster of the same name that another home has up: names on the machine come from the cluster's name alone. */
export function foreignMark(
  marks: readonly BridgeMark[],
  cluster: { readonly name: string; readonly home: string },
): BridgeMark | undefined {
  const { bridge } = machineNames(cluster.name);
  return marks.find((mark) => mark.bridge === bridge && mark.home !== realpathSync(cluster.home));
}

/** @throws ClusterError when another home has a cluster of that name up */
export function refuseForeign(marks: readonly BridgeMark[], cluster: { readonly name: string; readonly home: string }): void {
  const foreign = foreignMark(marks, cluster);
  if (foreign)
    throw new ClusterError(
      `a cluster named "${cluster.name}" is up already, from another KNARR_HOME (${foreign.home}); take another --name, or stop that one with: KNARR_HOME=${foreign.home} knarr down --name ${cluster.name}`,
    );
}
