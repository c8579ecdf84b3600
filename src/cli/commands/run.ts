/** `knarr run control-plane|agent`: a process of a cluster, as `up` and the others of its kind start it. */
import { runAgent, runControlPlane } from '../../cluster/processes/index.ts';
import { type Subcommand, withName } from '../subcommand.ts';

export const runCommand: Subcommand = (command, context) => {
  withName(command.command('control-plane')).action(async ({ name }: { readonly name: string }) => {
    await runControlPlane(name, context);
  });
  withName(command.command('agent'))
    .requiredOption('--node <number>', 'number of the node')
    .action(async ({ name, node }: { readonly name: string; readonly node: string }) => {
      await runAgent(name, Number(node), context);
    });
};
