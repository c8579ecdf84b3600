/** Takes away what the pod network put on a node: when another network takes over, and when a machine leaves the cluster. */
import type { Ctx } from '../base/index.ts';
import { removeCniConfig } from './cni-config.ts';
import { renderEgressRemoval } from './egress.ts';
import { routeProtocol } from './fabric/entry.ts';
import type { Kernel } from './fabric/kernel.ts';

/** The names that devices of ours have, unless the configuration gives others. */
const ourDevices = /^knarr6?\.\d+$/;

/** Everything ours goes; what others made stays, and so do pods' own connections to the bridge. */
export async function withdrawNetwork(
  { name, cniConfigDir }: { readonly name: string; readonly cniConfigDir: string },
  kernel: Kernel,
  { signal }: Pick<Ctx, 'signal'>,
): Promise<void> {
  removeCniConfig(cniConfigDir);
  await kernel.run(['nft', '-f', '-'], { signal, input: renderEgressRemoval(name) });
  const { links } = await kernel.observe([], { signal });
  const devices = links.filter((link) => ourDevices.test(link.name)).map((link) => `link del ${link.name}`);
  await kernel.ip(devices, { signal });
  for (const family of ['-4', '-6']) await kernel.run(['ip', family, 'route', 'flush', 'proto', String(routeProtocol)], { signal });
}
