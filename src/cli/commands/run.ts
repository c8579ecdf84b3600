/** `knarr run control-plane|agent`: a process of a cluster, as `up` and the others of its kind start it. */
import type { Subcommand } from '../subcommand.ts';
import { withName } from '../subcommand.ts';

export const runCommand: Subcommand = (command, context) => {
  withName(command.command('control-plane')).action(async ({ name }: { readonly name: string }) => {
    const { runControlPlane } = await import('../../cluster/processes/control-plane.ts');
    await runControlPlane(name, context);
  });
  withName(command.command('agent'))
    .requiredOption('--node <number>', 'number of the node')
    .action(async ({ name, node }: { readonly name: string; readonly node: string }) => {
      const { runAgent } = await import('../../cluster/processes/agent.ts');
      await runAgent(name, Number(node), context);
    });
};
