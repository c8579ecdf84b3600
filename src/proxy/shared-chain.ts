/**
 * The chains that Services share: one a number of endpoints and way of masquerading, one a list of allowed sources. Their names say all that
 * they do, so that equal needs meet in one chain and an unused one can be recognised. Pure.
 */
import { cidrContains, formatCidr, type IpFamily, parseCidr } from '../api/index.ts';
import { fnv1a } from './slots.ts';
import { type TableOptions, wordsFor } from './table-frame.ts';
import type { VirtualPort } from './service-ports.ts';

/** A chain that elements lead to. */
export interface SharedChain {
  readonly family: IpFamily;
  readonly name: string;
  /** Its rules in order. */
  readonly rules: readonly string[];
}

export interface BalancingNeeds {
  readonly masquerade: VirtualPort['masquerade'];
  /** Number of endpoints, 1…32767. */
  readonly count: number;
  readonly affinitySeconds: number | undefined;
  /** The endpoints of the short circuit: their slots begin at `nearOffset`. */
  readonly near: boolean;
  /** The virtual port, where each has a turn of its own (round-robin). */
  readonly key: string;
}

/** First slot of the endpoints for traffic that is not bound to the node. */
export const nearOffset = 32_768;

/** A chain that picks one of so many endpoints of whatever virtual port leads to it. */
export function balancingChain(family: IpFamily, needs: BalancingNeeds, options: TableOptions): SharedChain {
  const { masquerade, count, affinitySeconds, near } = needs;
  const turns = options.balance === 'round-robin' && count > 1;
  const name = [
    `masquerade-${masquerade === 'unlessPod' ? 'others' : masquerade}-${count}`,
    near ? '-near' : '',
    affinitySeconds === undefined ? '' : `-for-${affinitySeconds}`,
    turns ? `-of-${needs.key.replaceAll(' . ', '/').replaceAll(':', '.')}` : '',
  ].join('');
  const { table, port, client } = wordsFor(family);
  const offset = near ? ` offset ${nearOffset}` : '';
  const turn = `${port} . numgen ${turns ? 'inc' : 'random'} mod ${count}${offset}`;
  const mark = markingRule(family, masquerade, options);
  if (affinitySeconds === undefined) {
    const direct = `dnat ${table} to ${turn} map @endpoints`;
    // A packet that drew the last slot while that was taken away by a transaction goes to the first, which is always there.
    const spare = count > 1 ? [`dnat ${table} to ${port} . numgen random mod 1${offset} map @endpoints`] : [];
    // nft 1.0.6 narrows the first rule of a run that reads @endpoints to TCP, as the map's typed value says: that one is for TCP alone.
    return { family, name, rules: [...mark, `meta l4proto tcp ${direct}`, direct, ...spare] };
  }
  const remembered = `dnat ${table} to ${port} . ct mark map @sticky`;
  const remember = `update @affinity { ${client} timeout ${affinitySeconds}s : ct mark }`;
  return {
    family,
    name,
    rules: [
      ...mark,
      `ct mark set ${client}`,
      'ct mark set ct mark map @affinity',
      // Refreshed first, since nothing comes after dnat; forgotten below when the endpoint is gone.
      remember,
      remembered,
      `delete @affinity { ${client} : ct mark }`,
      `ct mark set ${turn} map @picks`,
      remember,
      remembered,
    ],
  };
}

function markingRule(family: IpFamily, masquerade: VirtualPort['masquerade'], options: TableOptions): string[] {
  const set = `meta mark set meta mark | ${options.masqueradeMark}`;
  const pods = options.podCidrs[family];
  if (masquerade === 'always') return [set];
  return masquerade === 'unlessPod' && pods !== undefined ? [`${wordsFor(family).table} saddr != ${pods} ${set}`] : [];
}

/** A chain that drops what comes from elsewhere than these ranges. @param ranges canonical; none lies within another after this */
export function sourcesChain(family: IpFamily, ranges: readonly string[]): SharedChain {
  const apart = withoutNested(ranges);
  const { table } = wordsFor(family);
  const name = `from-${[fnv1a(apart.join()), fnv1a(apart.toReversed().join())].map((each) => each.toString(16).padStart(8, '0')).join('')}`;
  return { family, name, rules: apart.length === 0 ? ['drop'] : [`${table} saddr != { ${apart.join(', ')} } drop`] };
}

/** Ranges that lie in no other of them: nft refuses overlaps. */
function withoutNested(ranges: readonly string[]): string[] {
  const parsed = ranges.flatMap((text) => parseCidr(text) ?? []).toSorted((a, b) => a.prefixLength - b.prefixLength);
  const kept: typeof parsed = [];
  for (const range of parsed) if (!kept.some((wider) => cidrContains(wider, range.address))) kept.push(range);
  return kept.map(formatCidr).toSorted();
}
