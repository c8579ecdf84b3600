/** What people call: the subcommands by name. Each is a file, loaded when it is called, so that none pays for another. */
import { Command, CommanderError } from 'commander';
import { kubernetesVersion, knarrVersion } from '../cluster/index.ts';
import type { CommandContext, Subcommand } from './subcommand.ts';

/** Name → where it stands. */
const subcommands: readonly {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Subcommand>;
}[] = [
  { name: 'up', summary: 'start a cluster on this machine', load: async () => (await import('./commands/up.ts')).upCommand },
  { name: 'down', summary: 'stop it; its state stays', load: async () => (await import('./commands/down.ts')).downCommand },
  { name: 'delete', summary: 'stop it and remove its state', load: async () => (await import('./commands/down.ts')).deleteCommand },
  { name: 'status', summary: 'show components and nodes', load: async () => (await import('./commands/status.ts')).statusCommand },
  { name: 'kubeconfig', summary: 'print the kubeconfig', load: async () => (await import('./commands/kubeconfig.ts')).kubeconfigCommand },
  { name: 'logs', summary: 'print the log of a component', load: async () => (await import('./commands/logs.ts')).logsCommand },
  { name: 'node', summary: 'add, delete, stop and start nodes', load: async () => (await import('./commands/node.ts')).nodeCommand },
  { name: 'image', summary: 'build, load, list and remove images', load: async () => (await import('./commands/image.ts')).imageCommand },
  { name: 'kubectl', summary: 'run kubectl against the cluster', load: async () => (await import('./commands/kubectl.ts')).kubectlCommand },
  {
    name: 'explain-scheduling',
    summary: 'say why a pod waits, and what would make it fit',
    load: async () => (await import('./commands/explain-scheduling.ts')).explainSchedulingCommand,
  },
  {
    name: 'install',
    summary: 'install the programs that a node needs',
    load: async () => (await import('./commands/install.ts')).installCommand,
  },
  {
    name: 'controller-manager',
    summary: 'run the controllers in a process of their own',
    load: async () => (await import('./commands/controller-manager.ts')).controllerManagerCommand,
  },
  {
    name: 'scheduler',
    summary: 'run the scheduler in a process of its own',
    load: async () => (await import('./commands/scheduler.ts')).schedulerCommand,
  },
  { name: 'start', summary: 'from nothing to a running example', load: async () => (await import('./commands/start.ts')).startCommand },
];

function createProgram(args: readonly string[], context: CommandContext): Command {
  const program = new Command('knarr').showHelpAfterError();
  program.configureHelp({ subcommandTerm: (command) => command.name() });
  program.description('Kubernetes v1.35 on this machine: one package, one command.');
  program.version(`knarr ${knarrVersion}, Kubernetes ${kubernetesVersion}`);
  program
    .command('version')
    .description('print the version')
    .action(() => context.print(`knarr ${knarrVersion}, Kubernetes ${kubernetesVersion}`));
  for (const { name, summary, load } of subcommands) {
    // A subcommand parses the rest of the line itself: only its file knows its options.
    const command = program.command(name).description(summary);
    command.helpOption(false).allowUnknownOption().allowExcessArguments().argument('[args...]');
    command.action(async () => {
      const subcommand = new Command(`knarr ${name}`).description(summary).exitOverride().showHelpAfterError();
      const define = await load();
      define(subcommand, context);
      await subcommand.parseAsync(args.slice(args.indexOf(name) + 1), { from: 'user' });
    });
  }
  return program.exitOverride();
}

/** Runs the command that `args` name and returns the exit code. */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    await createProgram(args, context).parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    // The library has said what was wrong, or shown the help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}
