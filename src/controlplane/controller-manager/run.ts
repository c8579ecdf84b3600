/**
 * `knarr controller-manager`: the controllers in a process of their own, over HTTPS, elected among their like. It is ready to be one of
 * several: whoever does not lead waits, and whoever loses the lead ends, as upstream's does.
 * @source cmd/kube-controller-manager/app/controllermanager.go, v1.35
 */
import { type Clock, type HealthCheck, type Logger, type Random, registerProcessMetrics, Registry, TaskGroup } from '../../base/index.ts';
import { createClient, type Transport } from '../../client/index.ts';
import {
  connectByKubeconfig,
  ComponentError,
  fencedBy,
  leaderElectionCheck,
  readNamedFile,
  registerLeaderStatus,
  runElected,
  serveComponent,
  servingAccess,
} from '../component/index.ts';
import type { JsonObject } from '../../api/index.ts';
import { PkiError, ServiceAccountKeys } from '../../pki/index.ts';
import { signingOptions } from './signing-flags.ts';
import { accountTransport } from './account-transport.ts';
import { type ControllerManagerFlagValues, controllersOptions } from './flags.ts';
import { startControllers } from './start-controllers.ts';

export interface ControllerManagerConfig {
  readonly flags: ControllerManagerFlagValues;
  readonly version: { readonly major: string; readonly minor: string; readonly gitVersion: string };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What every request passes after its fence was set; for tests of what an unfenced or cut-off manager would do. */
  readonly wrap?: (transport: Transport) => Transport;
}

const program = 'kube-controller-manager';
const defaultPort = 10_257;

/**
 * Runs until the signal aborts.
 * @throws ComponentError when it cannot start, or another leads now
 */
export async function runControllerManager(config: ControllerManagerConfig, signal: AbortSignal): Promise<void> {
  const { flags, clock, random, log, wrap = (transport) => transport } = config;
  if (flags.kubeconfig === undefined) throw new ComponentError('--kubeconfig must be given: it says where the API server is');
  const shared = { clock, random, log };
  const connect = connectByKubeconfig(flags.kubeconfig, shared);
  const rootCaFile = flags['root-ca-file'];
  const keyFile = flags['service-account-private-key-file'];
  const signing = signingOptions(flags);
  const controllers = {
    ...controllersOptions(flags),
    ...(rootCaFile !== undefined && { rootCa: readNamedFile(rootCaFile) }),
    ...(signing && { signing }),
    ...(keyFile !== undefined && { signToken: tokenSigner(keyFile) }),
  };
  const registry = new Registry();
  registerProcessMetrics(registry, config.version);
  let running: readonly string[] = [];
  registerLeaderStatus(registry, flags['leader-elect-resource-name'] ?? program, () => running.length > 0);
  const checks = (): HealthCheck[] => [
    ...(flags['leader-elect'] === false ? [] : [leaderElectionCheck]),
    ...running.map((name) => ({ name, check: () => {} })),
  ];
  const access = servingAccess(flags, shared, program);
  await using _server = await serveComponent({ flags, defaultPort, checks, metrics: registry, access, ...shared });
  const own = connect({ userAgent: program });
  const forLease = connect({ userAgent: `${program}/leader-election` });
  try {
    await runElected({
      flags,
      leaseName: program,
      client: createClient(wrap(forLease)),
      ...shared,
      signal,
      lead: async (ctx, fence) => {
        await using group = new TaskGroup({ log: ctx.log, signal: ctx.signal });
        const fenced = (transport: Transport): Transport => fencedBy(wrap(transport), fence);
        const manager = fenced(own);
        const accounts = flags['use-service-account-credentials'] ? accountTransport(connect, createClient(manager), clock) : undefined;
        running = startControllers({
          transport: manager,
          accountTransport: accounts && ((name, userAgent) => fenced(accounts(name, userAgent))),
          controllers,
          registry,
          clock,
          random,
          log: ctx.log,
          group,
        });
        await aborted(ctx.signal);
        running = [];
      },
    });
  } finally {
    await Promise.all([own.close(), forLease.close()]);
  }
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

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
