/** The configuration that the node's engine connects pods by: the standard plugins on a bridge, with addresses from the node's subnets. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../base/index.ts';

/** The bridge that a node's pods are on. */
export const podBridge = 'cni0';

/** Before others by its name. */
const fileName = '10-knarr.conflist';

export interface CniNetwork {
  readonly name: string;
  /** The node's own part of each pod range. */
  readonly subnets: readonly string[];
  readonly ipamDir: string;
  readonly mtu: number;
}

/** A CNI network list: bridge with an address from each subnet, then host ports. Pure. @source CNI specification 0.4.0 */
export function renderCniConfig({ name, subnets, ipamDir, mtu }: CniNetwork): string {
  const bridge = {
    type: 'bridge',
    bridge: podBridge,
    isGateway: true,
    isDefaultGateway: true,
    // The node may come back with another subnet.
    forceAddress: true,
    // Masquerading here would hide pods of other nodes from each other; the egress table does it.
    ipMasq: false,
    hairpinMode: true,
    mtu,
    ipam: { type: 'host-local', dataDir: ipamDir, ranges: subnets.map((subnet) => [{ subnet }]) },
  };
  const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true };
  return `${JSON.stringify({ cniVersion: '0.4.0', name, plugins: [bridge, portmap] }, null, 2)}\n`;
}

/** Puts the configuration where the engine looks, unless it is there: the engine reads the directory whenever it changes. */
export function writeCniConfig(directory: string, text: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, fileName);
  if (readIfThere(path) !== text) writeFileAtomically(path, text);
}

/** Leaves the directory to another network; files of others stay. */
export function removeCniConfig(directory: string): void {
  rmSync(join(directory, fileName), { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
