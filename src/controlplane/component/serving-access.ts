/**
 * Who may see what on the port of a component that runs by itself: the flags name the kubeconfigs that the API server is asked with.
 * @source apiserver pkg/server/options/{authentication,authorization}.go (delegating), v1.35
 */
import { type Client, createClient } from '../../client/index.ts';
import type { ComponentFlagValues } from './component-flags.ts';
import { connectByKubeconfig, type ConnectionContext } from './connection.ts';
import { delegatedAccess, type ServingAccess } from './delegated-access.ts';
import { readNamedFile } from './named-file.ts';

/** @throws ComponentError for files that cannot be used */
export function servingAccess(flags: ComponentFlagValues, context: ConnectionContext, component: string): ServingAccess {
  const clientOf = (path: string | undefined): Client | undefined =>
    path === undefined ? undefined : createClient(connectByKubeconfig(path, context)({ userAgent: `${component}/authn-authz` }));
  const caFile = flags['client-ca-file'];
  return delegatedAccess({
    clientCa: caFile === undefined ? undefined : readNamedFile(caFile),
    reviews: clientOf(flags['authentication-kubeconfig']),
    decisions: clientOf(flags['authorization-kubeconfig']),
    open: flags['authorization-always-allow-paths'],
    clock: context.clock,
  });
}
