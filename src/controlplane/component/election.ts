/**
 * Runs the work of a component while it leads, with the fence of its term on every write. Without an election it runs at once and unfenced.
 * @source cmd/kube-controller-manager/app/controllermanager.go (leaderElectAndRun), v1.35
 */
import { hostname } from 'node:os';
import { type Clock, type Ctx, type HealthCheck, type Logger, type Random, randomUuid } from '../../base/index.ts';
import { type Client, type Fence, fencedTransport, runLeaderElection, type Transport } from '../../client/index.ts';
import { type ComponentFlagValues, electionTimes, type ElectionTimes } from './component-flags.ts';
import { ComponentError } from './errors.ts';

export interface ElectedOptions {
  readonly flags: ComponentFlagValues;
  /** Name of the Lease unless a flag says otherwise, such as `kube-scheduler`; in kube-system. */
  readonly leaseName: string;
  /** Writes the Lease. */
  readonly client: Client;
  /** Default: the host's name and something unique, as upstream. */
  readonly identity?: string;
  /** For what the flags do not say. */
  readonly times?: ElectionTimes;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onNewLeader?: (identity: string) => void;
  /** Leads until `ctx.signal` aborts; then it must end, and nothing of it may write any more. */
  readonly lead: (ctx: Ctx, fence: Fence | undefined) => Promise<void>;
}

/**
 * Waits to be elected and leads.
 * @throws ComponentError when the leadership is lost: whoever wants to lead again begins anew; the signal's reason when it aborts
 */
export async function runElected(options: ElectedOptions): Promise<void> {
  const { flags, client, clock, random, log, signal, lead, leaseName, onNewLeader } = options;
  if (flags['leader-elect'] === false) return lead({ signal, log }, undefined);
  const lease = {
    namespace: flags['leader-elect-resource-namespace'] ?? 'kube-system',
    name: flags['leader-elect-resource-name'] ?? leaseName,
  };
  await runLeaderElection({
    client,
    lease,
    identity: options.identity ?? `${hostname()}_${randomUuid(random)}`,
    clock,
    random,
    log,
    signal,
    ...electionTimes(flags, options.times),
    ...(onNewLeader && { onNewLeader }),
    onStarted: lead,
  });
  throw new ComponentError('leaderelection lost');
}

/** The transport with the term's fence on every write; as it is where nobody is elected. */
export function fencedBy(transport: Transport, fence: Fence | undefined): Transport {
  return fence ? fencedTransport(transport, () => fence) : transport;
}

/** The check `leaderElection` of `/healthz`. @source client-go tools/leaderelection/healthzadaptor.go */
export const leaderElectionCheck: HealthCheck = { name: 'leaderElection', check: () => {} };
