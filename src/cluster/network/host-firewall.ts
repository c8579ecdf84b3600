/**
 * Room for the nodes in a firewall that is not ours. Docker, ufw and firewalld drop forwarded traffic by default; where such a chain
 * stands, one accept rule named after the cluster is put at its top, and found again by that name when it has to go.
 */
import { run } from '../../base/index.ts';

/** A base chain that rules were inserted into. */
export interface FirewallChain {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
}

interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly policy?: string;
}

export interface FirewallOpening {
  readonly bridge: string;
  readonly apiPort: number;
  readonly comment: string;
}

/** The rules that a filter chain of somebody else needs, as nft commands. Pure. */
export function openingRules(
  chains: readonly NftChain[],
  opening: FirewallOpening,
): { readonly chain: FirewallChain; readonly commands: string[] }[] {
  const { bridge, apiPort, comment } = opening;
  return chains.flatMap(({ family, table, name, type, hook, policy }) => {
    const drops = policy === 'drop' || table === 'firewalld';
    if (type !== 'filter' || !drops || table.startsWith('knarr-') || !['ip', 'inet'].includes(family)) return [];
    const at = `insert rule ${family} ${table} ${name}`;
    const accept = `accept comment "${comment}"`;
    const chain = { family, table, chain: name };
    if (hook === 'forward') return [{ chain, commands: [`${at} iifname "${bridge}" ${accept}`, `${at} oifname "${bridge}" ${accept}`] }];
    if (hook === 'input') return [{ chain, commands: [`${at} iifname "${bridge}" tcp dport ${apiPort} ${accept}`] }];
    return [];
  });
}

/** Inserts what is needed and returns where. */
export async function allowThroughFirewalls(opening: FirewallOpening, signal: AbortSignal): Promise<FirewallChain[]> {
  const { stdout } = await run(['nft', '-j', 'list', 'chains'], { signal });
  const { nftables } = JSON.parse(stdout) as { nftables: { chain?: NftChain }[] };
  const needed = openingRules(
    nftables.flatMap(({ chain }) => chain ?? []),
    opening,
  );
  await withdrawFromFirewalls(
    needed.map(({ chain }) => chain),
    opening.comment,
    signal,
  );
  const commands = needed.flatMap((each) => each.commands);
  if (commands.length > 0) await run(['nft', '-f', '-'], { signal, input: `${commands.join('\n')}\n` });
  return needed.map(({ chain }) => chain);
}

/** Deletes the rules with our comment from those chains that still exist. */
export async function withdrawFromFirewalls(chains: readonly FirewallChain[], comment: string, signal: AbortSignal): Promise<void> {
  if (chains.length === 0) return;
  const { stdout } = await run(['nft', '-j', '-a', 'list', 'ruleset'], { signal });
  const { nftables } = JSON.parse(stdout) as {
    nftables: { rule?: { family: string; table: string; chain: string; handle: number; comment?: string } }[];
  };
  const ours = nftables.flatMap(({ rule }) =>
    rule?.comment === comment &&
    chains.some((each) => each.family === rule.family && each.table === rule.table && each.chain === rule.chain)
      ? [`delete rule ${rule.family} ${rule.table} ${rule.chain} handle ${rule.handle}`]
      : [],
  );
  if (ours.length > 0) await run(['nft', '-f', '-'], { signal, input: `${ours.join('\n')}\n` });
}
