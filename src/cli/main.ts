/**
 * The `knarr` command. Each subcommand is a file, loaded when it is called, so that none pays for another. Exit codes: 0 done, 1 a fault that
 * the message explains, 2 a wrong call, 130 interrupted.
 */
import { Command, CommanderError } from 'commander';
import { createLogger, isAbort, keepAlive } from '../base/index.ts';
import { ClusterError, kubernetesVersion, knarrVersion } from '../cluster/index.ts';
import type { CommandContext, Subcommand } from './subcommand.ts';

/** Name → where it stands. Hidden ones are how the processes of a cluster are started. */
const subcommands: readonly {
  readonly name: string;
  readonly summary: string;
  readonly hidden?: true;
  readonly load: () => Promise<Subcommand>;
}[] = [
  { name: 'up', summary: 'start a cluster on this machine', load: async () => (await import('./commands/up.ts')).upCommand },
  { name: 'down', summary: 'stop it; its state stays', load: async () => (await import('./commands/down.ts')).downCommand },
  { name: 'delete', summary: 'stop it and remove its state', load: async () => (await import('./commands/down.ts')).deleteCommand },
  { name: 'status', summary: 'show components and nodes', load: async () => (await import('./commands/status.ts')).statusCommand },
  { name: 'kubeconfig', summary: 'print the kubeconfig', load: async () => (await import('./commands/kubeconfig.ts')).kubeconfigCommand },
  { name: 'logs', summary: 'print the log of a component', load: async () => (await import('./commands/logs.ts')).logsCommand },
  { name: 'image', summary: 'build, load, list and remove images', load: async () => (await import('./commands/image.ts')).imageCommand },
  { name: 'kubectl', summary: 'run kubectl against the cluster', load: async () => (await import('./commands/kubectl.ts')).kubectlCommand },
  {
    name: 'install',
    summary: 'install the programs that a node needs',
    load: async () => (await import('./commands/install.ts')).installCommand,
  },
  { name: 'start', summary: 'from nothing to a running example', load: async () => (await import('./commands/start.ts')).startCommand },
  { name: 'run', summary: 'run a process of a cluster', hidden: true, load: async () => (await import('./commands/run.ts')).runCommand },
];

function createProgram(context: CommandContext): Command {
  const program = new Command('knarr');
  program.description('Kubernetes v1.35 on this machine: one package, one command.');
  program.version(`knarr ${knarrVersion}, Kubernetes ${kubernetesVersion}`);
  program
    .command('version')
    .description('print the version')
    .action(() => context.print(`knarr ${knarrVersion}, Kubernetes ${kubernetesVersion}`));
  for (const { name, summary, hidden, load } of subcommands) {
    // A subcommand parses the rest of the line itself: only its file knows its options.
    const command = program.command(name, { hidden: hidden ?? false }).description(summary);
    command.helpOption(false).allowUnknownOption().allowExcessArguments().argument('[args...]');
    command.action(async () => {
      const subcommand = new Command(`knarr ${name}`).description(summary).exitOverride();
      const define = await load();
      define(subcommand, context);
      const rest = process.argv.slice(process.argv.indexOf(name, 2) + 1);
      await subcommand.parseAsync(rest, { from: 'user' });
    });
  }
  return program.exitOverride();
}

async function main(): Promise<number> {
  using _alive = keepAlive();
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  process.umask(0o077);
  const context: CommandContext = {
    env: process.env,
    signal: abort.signal,
    log: createLogger({ component: 'knarr', level: 'warn' }),
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
  };
  try {
    await createProgram(context).parseAsync();
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (isAbort(error, abort.signal)) return 130;
    if (error instanceof ClusterError) context.say(`knarr: ${error.message}`);
    else context.log.error('unexpected', { err: error });
    return 1;
  }
}

process.exitCode = await main();
