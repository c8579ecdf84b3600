/**
 * `knarr run control-plane|agent`: a process of a cluster, as `up` and the others of its kind start it. It is not for people and needs no
 * help text, so it does without the library for that, which would stay in the memory of every process.
 */
import { parseArgs } from 'node:util';
import type { Ctx } from '../../base/index.ts';
import { runAgent, runControlPlane } from '../../cluster/processes/index.ts';

/** Runs until the signal aborts. @throws TypeError when it was not called as `up` calls it */
export async function runProcess(args: readonly string[], ctx: Ctx): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { name: { type: 'string' }, node: { type: 'string' } },
  });
  const { name, node } = values;
  if (name === undefined) throw new TypeError('--name is missing');
  if (positionals[0] === 'control-plane') await runControlPlane(name, ctx);
  else if (positionals[0] === 'agent') await runAgent(name, Number(node), ctx);
  else throw new TypeError(`there is no process "${positionals.join(' ')}"`);
}
