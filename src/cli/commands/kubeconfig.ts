/** `knarr kubeconfig`: prints the administrator's kubeconfig. */
import { existsSync, readFileSync } from 'node:fs';
import { ClusterError } from '../../cluster/index.ts';
import { requireCluster, type Subcommand, withName } from '../subcommand.ts';

export const kubeconfigCommand: Subcommand = (command, context) => {
  withName(command).action(({ name }: { readonly name: string }) => {
    const { paths } = requireCluster(name, context.env);
    if (!existsSync(paths.adminKubeconfig)) throw new ClusterError(`cluster "${name}" has never been up`);
    context.print(readFileSync(paths.adminKubeconfig, 'utf8').trimEnd());
  });
};
