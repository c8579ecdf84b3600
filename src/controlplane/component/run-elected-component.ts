/**
 * The life of a component that runs by itself: it connects by its kubeconfig, answers for its health, waits to be elected and works until its
 * term ends. It is ready to be one of several: whoever does not lead waits, and whoever loses the lead ends, as upstream's does.
 * @source cmd/kube-controller-manager/app/controllermanager.go, cmd/kube-scheduler/app/server.go, v1.35
 */
import {
  aborted,
  type Clock,
  type HealthCheck,
  type Logger,
  type Random,
  registerProcessMetrics,
  Registry,
  TaskGroup,
} from '../../base/index.ts';
import { createClient, type Transport } from '../../client/index.ts';
import type { ComponentFlagValues } from './component-flags.ts';
import { type Connect, connectByKubeconfig } from './connection.ts';
import { fencedBy, leaderElectionCheck, runElected } from './election.ts';
import { ComponentError } from './errors.ts';
import { registerLeaderStatus } from './leader-status.ts';
import { serveComponent } from './serving.ts';
import { servingAccess } from './serving-access.ts';

/** How a component is started. */
export interface ComponentConfig<Flags extends ComponentFlagValues> {
  readonly flags: Flags;
  readonly version: { readonly major: string; readonly minor: string; readonly gitVersion: string };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What every request passes after its fence was set; for tests of what an unfenced or cut-off component would do. */
  readonly wrap?: (transport: Transport) => Transport;
}

/** What a component is. */
export interface ElectedComponent {
  /** Its name, that of its Lease and its user agent, such as `kube-scheduler`. */
  readonly program: string;
  readonly defaultPort: number;
  /** Starts the work of a term in its group. @returns the names of what runs, each a health check */
  readonly start: (term: Term) => readonly string[];
}

/** One time of leading. */
export interface Term {
  /** The component's own connection, with the term's fence on every write. */
  readonly transport: Transport;
  readonly connect: Connect;
  /** Puts the term's fence on another connection. */
  readonly fenced: (transport: Transport) => Transport;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly group: TaskGroup;
}

/**
 * Runs until the signal aborts.
 * @throws ComponentError when it cannot start, or another leads now
 */
export async function runElectedComponent(
  { program, defaultPort, start }: ElectedComponent,
  config: ComponentConfig<ComponentFlagValues>,
  signal: AbortSignal,
): Promise<void> {
  const { flags, clock, random, log, wrap = (transport) => transport } = config;
  if (flags.kubeconfig === undefined) throw new ComponentError('--kubeconfig must be given: it says where the API server is');
  const shared = { clock, random, log };
  const connect = connectByKubeconfig(flags.kubeconfig, shared);
  const registry = new Registry();
  registerProcessMetrics(registry, config.version);
  let running: readonly string[] | undefined;
  registerLeaderStatus(registry, flags['leader-elect-resource-name'] ?? program, () => running !== undefined);
  const checks = (): HealthCheck[] => [
    ...(flags['leader-elect'] === false ? [] : [leaderElectionCheck]),
    ...(running ?? []).map((name) => ({ name, check: () => {} })),
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
        running = start({ transport: fenced(own), connect, fenced, registry, clock, random, log: ctx.log, group });
        await aborted(ctx.signal);
        running = undefined;
      },
    });
  } finally {
    await Promise.all([own.close(), forLease.close()]);
  }
}
