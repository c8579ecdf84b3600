/**
 * `knarr run control-plane|agent`: a process of a cluster, as `up` and the others of its kind start it. It is not for people and needs no
 * help text, so it does without the library for that, which would stay in the memory of every process.
 */
import { parseArgs } from 'node:util';
import { runAgent, runControlPlane } from '../../cluster/processes/index.ts';
import type { CommandContext } from '../subcommand.ts';

/** Runs until the signal aborts; returns the exit code. */
export async function runProcess(args: readonly string[], context: CommandContext): Promise<number> {
  const call = readCall(args);
  if (!call) {
    context.say('knarr run is called by knarr itself: control-plane --name NAME, or agent --name NAME --node NUMBER');
    return 2;
  }
  if (call.node === undefined) await runControlPlane(call.name, context);
  else await runAgent(call.name, call.node, context);
  return 0;
}

/** What is to run; undefined when the words make no call. Pure. */
export function readCall(args: readonly string[]): { readonly name: string; readonly node?: number } | undefined {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    strict: false,
    options: { name: { type: 'string' }, node: { type: 'string' } },
  });
  const { name, node, ...unknown } = values;
  if (typeof name !== 'string' || positionals.length !== 1 || Object.keys(unknown).length > 0) return undefined;
  if (positionals[0] === 'control-plane') return node === undefined ? { name } : undefined;
  return positionals[0] === 'agent' && Number(node) > 0 ? { name, node: Number(node) } : undefined;
}
