/** The control-plane process of a cluster on this machine: reads the record, opens the store, runs until it is told to stop. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { type ApiServer, loopbackUser } from '../../apiserver/index.ts';
import { parseFlags } from '../../apiserver/flags/index.ts';
import {
  aborted,
  type Clock,
  createLogger,
  type Logger,
  type Random,
  systemClock,
  systemRandom,
  type TaskGroup,
} from '../../base/index.ts';
import { createClient, createInformerFactory } from '../../client/index.ts';
import { readControllerManagerFlags, readSchedulerFlags, schedulerSettings, startControlPlane } from '../../controlplane/index.ts';
import { openLmdbStore } from '../../store/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { readControlPlanePki } from '../cluster-pki.ts';
import { type ClusterRecord, readClusterRecord } from '../cluster-record.ts';
import { protectFromOomKiller } from '../engine/oom-score.ts';
import { clusterPaths, knarrHome, machineNames, nodePaths } from '../home.ts';
import { controlPlaneRecord } from '../launch.ts';
import { LiveRecord } from '../live-record.ts';
import { hostAddresses, rangesOf } from '../network/addresses.ts';
import { claimProcessRecord } from '../process-record.ts';
import { processGroup } from './process-group.ts';
import { superviseAgents } from '../supervision.ts';
import { dnsPort } from './dns-port.ts';
import { knarrVersion } from '../version.ts';

export async function runControlPlane(name: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  const home = knarrHome();
  const paths = clusterPaths(home, name);
  const record = readClusterRecord(paths);
  if (!record) throw new ClusterError(`there is no cluster "${name}"`);
  const log = createLogger({ component: 'control-plane' });
  protectFromOomKiller('controlPlane');
  const clock = systemClock;
  using claim = await claimProcessRecord(controlPlaneRecord(paths), clock, { signal });
  if (!claim || existsSync(paths.stoppingMark)) return log.info('not needed: another control plane runs, or the cluster is being stopped');
  const group = processGroup(log, signal);
  const live = new LiveRecord(paths, record);
  const { network, apiPort } = record;
  const pki = readControlPlanePki(paths);
  const { values: flags, faults } = parseFlags(record.apiServerFlags ?? {});
  if (faults.length > 0) throw new ClusterError(`flags of the API server: ${faults.join('; ')}`);
  const manager = readControllerManagerFlags(record.controllerManagerFlags ?? {});
  if (manager.faults.length > 0) throw new ClusterError(`flags of the controller manager: ${manager.faults.join('; ')}`);
  const given = readSchedulerFlags(record.schedulerFlags ?? {});
  if (given.faults.length > 0) throw new ClusterError(`flags of the scheduler: ${given.faults.join('; ')}`);
  // Modules of the user's own are loaded only where some are named.
  const scheduler = await schedulerSettings(given.values, clock);
  const store = await openLmdbStore({ directory: paths.store, clock, log });
  const controlPlane = await startControlPlane({
    store,
    ...pki,
    flags,
    listen: ['127.0.0.1', ...hostAddresses(network)].map((host) => ({ host, port: apiPort })),
    advertise: { ip: network.hostIp, port: apiPort },
    serviceCidrs: rangesOf(network, 'serviceCidr'),
    apiServiceIp: network.apiServiceIp,
    podCidrs: rangesOf(network, 'podCidr'),
    // No two clusters of a machine share it, so each has upstream's ports.
    managersHost: network.hostIp,
    controllerManagerFlags: manager.values,
    scheduler,
    // The claim above and the store's lock see to it that there is one of this name.
    election: { identity: `${hostname()}_${name}` },
    localPathDirectoryOf: (name) => {
      const node = live.current.nodes.find((each) => each.name === name);
      return node && nodePaths(paths, node.index).volumes;
    },
    dns: { serviceIp: network.dnsServiceIp, port: dnsPort, domain: 'cluster.local' },
    ingress: record.ingress ?? false,
    loadBalancer: record.loadBalancerPool === undefined ? {} : { pool: record.loadBalancerPool },
    knarrVersion,
    clock,
    random: systemRandom,
    log,
    group,
    // Whoever watches this process starts it again, and it reads what is durable.
    onStoreLost: () => process.exit(1),
  });
  await superviseAgents({ launch: { home, cluster: name, paths, engineEnv: record.engine.proxyEnv }, live }, clock, group);
  await leadToPods(record, controlPlane.api, { clock, random: systemRandom, log, group });
  log.info('control plane is up', { port: apiPort });
  await aborted(signal);
  await controlPlane.close();
  await store.close();
}

/** Keeps the host's routes to pods: it has the host's network, as no node's agent has. Loaded after all that others wait for. */
async function leadToPods(
  { name, network, podNetwork }: ClusterRecord,
  api: ApiServer,
  context: { readonly clock: Clock; readonly random: Random; readonly log: Logger; readonly group: TaskGroup },
): Promise<void> {
  const { defaultConfiguration, startHostRoutes } = await import('../../network/index.ts');
  const informers = createInformerFactory({ client: createClient(api.transport(loopbackUser)), ...context });
  startHostRoutes({
    device: machineNames(name).bridge,
    networks: rangesOf(network, 'podCidr'),
    configuration: podNetwork ?? defaultConfiguration(),
    informers,
    clock: context.clock,
    group: context.group,
  });
}
