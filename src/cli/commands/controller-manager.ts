/** `knarr controller-manager`: the controllers against any API server, with the flags of upstream's kube-controller-manager. */
import { systemClock, systemRandom } from '../../base/index.ts';
import { kubernetesVersion } from '../../cluster/index.ts';
import { componentCommand } from '../component-command.ts';

export const controllerManagerCommand = componentCommand(async () => {
  const { controllerManagerFlags, readControllerManagerFlags, runControllerManager } =
    await import('../../controlplane/controller-manager/index.ts');
  const [major = '', minor = ''] = kubernetesVersion.replace(/^v/, '').split('.');
  const version = { major, minor, gitVersion: kubernetesVersion };
  return {
    name: 'controller-manager',
    table: controllerManagerFlags,
    read: readControllerManagerFlags,
    run: (flags, { log, signal }) => runControllerManager({ flags, version, clock: systemClock, random: systemRandom, log }, signal),
  };
});
