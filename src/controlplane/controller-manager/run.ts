/**
 * `knarr controller-manager`: the controllers in a process of their own, over HTTPS, elected among their like.
 * @source cmd/kube-controller-manager/app/controllermanager.go, v1.35
 */
import type { JsonObject } from '../../api/index.ts';
import { createClient } from '../../client/index.ts';
import { PkiError, ServiceAccountKeys } from '../../pki/index.ts';
import { type ComponentConfig, ComponentError, readNamedFile, runElectedComponent, type Term } from '../component/index.ts';
import { accountTransport } from './account-transport.ts';
import { type ControllerManagerFlagValues, controllersOptions } from './flags.ts';
import { signingOptions } from './signing-flags.ts';
import { startControllers } from './start-controllers.ts';

export type ControllerManagerConfig = ComponentConfig<ControllerManagerFlagValues>;

const defaultPort = 10_257;

/**
 * Runs until the signal aborts.
 * @throws ComponentError when it cannot start, or another leads now
 */
export async function runControllerManager(config: ControllerManagerConfig, signal: AbortSignal): Promise<void> {
  const { flags } = config;
  const rootCaFile = flags['root-ca-file'];
  const keyFile = flags['service-account-private-key-file'];
  const signing = signingOptions(flags);
  const controllers = {
    ...controllersOptions(flags),
    ...(rootCaFile !== undefined && { rootCa: readNamedFile(rootCaFile) }),
    ...(signing && { signing }),
    ...(keyFile !== undefined && { signToken: tokenSigner(keyFile) }),
  };
  const start = ({ transport, connect, fenced, registry, clock, random, log, group }: Term): readonly string[] => {
    const accounts = flags['use-service-account-credentials'] ? accountTransport(connect, createClient(transport), clock) : undefined;
    return startControllers({
      transport,
      accountTransport: accounts && ((name, userAgent) => fenced(accounts(name, userAgent))),
      controllers,
      registry,
      clock,
      random,
      log,
      group,
    });
  };
  await runElectedComponent({ program: 'kube-controller-manager', defaultPort, start }, config, signal);
}

/** @throws ComponentError when the file holds no key that signs tokens */
function tokenSigner(keyFile: string): (claims: JsonObject) => string {
  try {
    const keys = new ServiceAccountKeys({ signingKey: readNamedFile(keyFile) });
    return (claims) => keys.sign(claims);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new ComponentError(`error reading key for service account token controller: ${error.message}`, { cause: error });
  }
}
