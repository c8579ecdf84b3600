/** `knarr logs COMPONENT [-f]`: the log file of a component. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from '../../cluster/index.ts';
import { requireCluster, type Subcommand, withName } from '../subcommand.ts';

interface Flags {
  readonly name: string;
  readonly follow?: boolean;
}

export const logsCommand: Subcommand = (command, context) => {
  withName(command)
    .argument('<component>', 'as `knarr status` names it')
    .option('-f, --follow', 'go on printing what is written')
    .action(async (component: string, { name, follow }: Flags) => {
      const { paths } = requireCluster(name, context.env);
      const file = join(paths.logs, `${component}.log`);
      const known = existsSync(paths.logs) ? readdirSync(paths.logs).map((each) => each.replace(/\.log$/, '')) : [];
      if (!known.includes(component)) throw new ClusterError(`no component "${component}"; there are: ${known.join(', ') || 'none yet'}`);
      const tail = spawn('tail', [...(follow ? ['-F'] : []), '-n', '+1', file], { stdio: ['ignore', 'inherit', 'inherit'] });
      context.signal.addEventListener('abort', () => tail.kill(), { once: true });
      await new Promise((resolve) => tail.once('close', resolve));
    });
};
