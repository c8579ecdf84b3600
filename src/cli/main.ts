/**
 * The `knarr` command. Exit codes: 0 done, 1 a fault that the message explains, 2 a wrong call, 130 interrupted. Here stands only what every
 * call needs, also the long-running processes of a cluster.
 */
import { createLogger, isAbort, keepAlive } from '../base/index.ts';
import { ClusterError } from '../cluster/index.ts';
import type { CommandContext } from './subcommand.ts';

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  if (args[0] === 'run') {
    const { runProcess } = await import('./commands/run.ts');
    return runProcess(args.slice(1), context);
  }
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(args, context);
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
    return await run(process.argv.slice(2), context);
  } catch (error) {
    if (isAbort(error, abort.signal)) return 130;
    if (error instanceof ClusterError) context.say(`knarr: ${error.message}`);
    else if (isForbidden(error)) context.say(`knarr: ${error.message}; clusters belong to root, so run it with sudo`);
    else context.log.error('unexpected', { err: error });
    return 1;
  }
}

/** Whether a person who is not root came to something that only root may touch. */
function isForbidden(error: unknown): error is Error {
  const { code } = error as NodeJS.ErrnoException;
  return process.getuid?.() !== 0 && error instanceof Error && (code === 'EACCES' || code === 'EPERM');
}

process.exitCode = await main();
