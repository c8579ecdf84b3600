/**
 * Room for the nodes in a firewall that is not ours. Docker, ufw and firewalld drop forwarded traffic by default; where such a chain
 * stands, one accept rule named after the cluster is put at its top, and found again by that name when it has to go.
 */
import { run } from '../../base/index.ts';

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

/** The rules that the filter chains of others need, as nft commands. Pure. */
export function openingRules(chains: readonly NftChain[], opening: FirewallOpening): string[] {
  const { bridge, apiPort, comment } = opening;
  return chains.flatMap(({ family, table, name, type, hook, policy }) => {
    const drops = policy === 'drop' || table === 'firewalld';
    if (type !== 'filter' || !drops || table.startsWith('knarr-') || !['ip', 'inet'].includes(family)) return [];
    const at = `insert rule ${family} ${table} ${name}`;
    const accept = `accept comment "${comment}"`;
    if (hook === 'forward') return [`${at} iifname "${bridge}" ${accept}`, `${at} oifname "${bridge}" ${accept}`];
    if (hook === 'input') return [`${at} iifname "${bridge}" tcp dport ${apiPort} ${accept}`];
    return [];
  });
}

/** Inserts what is needed, in place of what an earlier call inserted. */
export async function allowThroughFirewalls(opening: FirewallOpening, signal: AbortSignal): Promise<void> {
  await withdrawFromFirewalls(opening.comment, signal);
  const { stdout } = await run(['nft', '-j', 'list', 'chains'], { signal });
  const { nftables } = JSON.parse(stdout) as { nftables: { chain?: NftChain }[] };
  const commands = openingRules(
    nftables.flatMap(({ chain }) => chain ?? []),
    opening,
  );
  if (commands.length > 0) await run(['nft', '-f', '-'], { signal, input: `${commands.join('\n')}\n` });
}

/** Deletes every rule with our comment. What is there is looked at, not what was remembered: a crash may have come between the two. */
export async function withdrawFromFirewalls(comment: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await run(['nft', '-j', '-a', 'list', 'ruleset'], { signal });
  const { nftables } = JSON.parse(stdout) as {
    nftables: { rule?: { family: string; table: string; chain: string; handle: number; comment?: string } }[];
  };
  const ours = nftables.flatMap(({ rule }) =>
    rule?.comment === comment ? [`delete rule ${rule.family} ${rule.table} ${rule.chain} handle ${rule.handle}`] : [],
  );
  if (ours.length > 0) await run(['nft', '-f', '-'], { signal, input: `${ours.join('\n')}\n` });
}
