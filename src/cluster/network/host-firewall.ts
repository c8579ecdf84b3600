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
  /** The nodes have IPv6 too. */
  readonly ipv6: boolean;
}

/** The rules that the filter chains of others need, as nft commands. Pure. */
export function openingRules(chains: readonly NftChain[], opening: FirewallOpening): string[] {
  const { bridge, apiPort, comment } = opening;
  const families = ['ip', 'inet', ...(opening.ipv6 ? ['ip6'] : [])];
  return chains.flatMap(({ family, table, name, type, hook, policy }) => {
    const drops = policy === 'drop' || table === 'firewalld';
    if (type !== 'filter' || !drops || table.startsWith('knarr-') || !families.includes(family)) return [];
    const at = `insert rule ${family} ${table} ${name}`;
    const accept = `accept comment "${comment}"`;
    if (hook === 'forward') return [`${at} iifname "${bridge}" ${accept}`, `${at} oifname "${bridge}" ${accept}`];
    if (hook === 'input') return [`${at} iifname "${bridge}" tcp dport ${apiPort} ${accept}`];
    return [];
  });
}

interface NftRuleset {
  readonly nftables: readonly {
    readonly chain?: NftChain;
    readonly rule?: {
      readonly family: string;
      readonly table: string;
      readonly chain: string;
      readonly handle: number;
      readonly comment?: string;
    };
  }[];
}

/** Inserts what is needed, in place of what an earlier call inserted, in one transaction. */
export async function allowThroughFirewalls(opening: FirewallOpening, signal: AbortSignal): Promise<void> {
  const ruleset = await listRuleset(signal);
  const chains = ruleset.nftables.flatMap(({ chain }) => chain ?? []);
  await apply([...closingRules(ruleset, opening.comment), ...openingRules(chains, opening)], signal);
}

/** Deletes every rule with our comment. What is there is looked at, not what was remembered: a crash may have come between the two. */
export async function withdrawFromFirewalls(comment: string, signal: AbortSignal): Promise<void> {
  await apply(closingRules(await listRuleset(signal), comment), signal);
}

/** The commands that delete the rules with a comment. Pure. */
export function closingRules({ nftables }: NftRuleset, comment: string): string[] {
  return nftables.flatMap(({ rule }) =>
    rule?.comment === comment ? [`delete rule ${rule.family} ${rule.table} ${rule.chain} handle ${rule.handle}`] : [],
  );
}

async function listRuleset(signal: AbortSignal): Promise<NftRuleset> {
  const { stdout } = await run(['nft', '-j', '-a', 'list', 'ruleset'], { signal });
  return JSON.parse(stdout) as NftRuleset;
}

async function apply(commands: readonly string[], signal: AbortSignal): Promise<void> {
  if (commands.length > 0) await run(['nft', '-f', '-'], { signal, input: `${commands.join('\n')}\n` });
}
