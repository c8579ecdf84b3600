/** `knarr scheduler`: the scheduler against any API server, with upstream's configuration file, and plugins of one's own. */
import { systemClock, systemRandom } from '../../base/index.ts';
import { kubernetesVersion } from '../../cluster/index.ts';
import { componentCommand } from '../component-command.ts';

export const schedulerCommand = componentCommand(async () => {
  const { readSchedulerFlags, runScheduler, schedulerFlags } = await import('../../controlplane/scheduler/index.ts');
  const [major = '', minor = ''] = kubernetesVersion.replace(/^v/, '').split('.');
  const version = { major, minor, gitVersion: kubernetesVersion };
  return {
    name: 'scheduler',
    table: schedulerFlags,
    read: readSchedulerFlags,
    run: (flags, { log, signal }) => runScheduler({ flags, version, clock: systemClock, random: systemRandom, log }, signal),
  };
});
