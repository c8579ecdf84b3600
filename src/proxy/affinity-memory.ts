/**
 * Which client stays with which endpoint is known to the kernel alone. Before a table is replaced it is read once and written into the new
 * one, so that neither a start of the proxy nor a full resync parts a client from its endpoint.
 */
import { ProcessError } from '../base/index.ts';
import type { RunTool } from './run-tool.ts';
import { type TableOptions, wordsFor } from './table-frame.ts';

/** One remembered client as `nft -j list map` prints it: `[{elem: {val, timeout, expires}}, id]`. */
type ListedClient = readonly [{ readonly elem?: { readonly val: number; readonly timeout?: number; readonly expires?: number } }, number];

/** Statements that put back what the kernel remembers now, to be appended to the transaction; empty where there is no table yet. */
export async function readAffinity(options: TableOptions, run: RunTool, signal: AbortSignal): Promise<string> {
  const lines: string[] = [];
  for (const family of options.families) {
    const { table } = wordsFor(family);
    try {
      const { stdout } = await run(['nft', '-j', 'list', 'map', table, options.name, 'affinity'], { signal });
      const clients = renderClients(stdout);
      if (clients !== '') lines.push(`add element ${table} ${options.name} affinity { ${clients} }\n`);
    } catch (err) {
      // No table, or one that an older version made: nobody is remembered.
      if (!(err instanceof ProcessError) || err.exitCode === null) throw err;
    }
  }
  return lines.join('');
}

/** The elements of a listed map in nft's own syntax. */
export function renderClients(listing: string): string {
  const { nftables } = JSON.parse(listing) as { nftables: readonly { readonly map?: { readonly elem?: readonly ListedClient[] } }[] };
  return nftables
    .flatMap(({ map }) => map?.elem ?? [])
    .flatMap(([{ elem }, id]) =>
      elem?.timeout && elem.expires ? [`${elem.val} timeout ${elem.timeout}s expires ${elem.expires}s : ${id}`] : [],
    )
    .join(', ');
}
