/**
 * Whether the proxy's tables still stand with their rules, at a price that does not grow with them: nft reads every element of a table before
 * it lists anything of it. A chain that rules lead to cannot be deleted, so the kernel is asked whether it would delete one, and refuses.
 */
import { ProcessError } from '../base/index.ts';
import type { RunTool } from './run-tool.ts';
import { type TableOptions, wordsFor } from './table-frame.ts';

/** The tables of all families are there and their rules were not flushed. Nothing is changed. */
export async function tablesStand({ name, families }: TableOptions, run: RunTool, signal: AbortSignal): Promise<boolean> {
  const input = families.map((family) => `delete chain ${wordsFor(family).table} ${name} balance\n`).join('');
  try {
    await run(['nft', '--check', '-f', '-'], { signal, input });
    return families.length === 0;
  } catch (err) {
    if (!(err instanceof ProcessError) || err.exitCode === null) throw err;
    return err.stderr.split('Device or resource busy').length - 1 === families.length;
  }
}
