/**
 * What makes a node agent: kubelet with the pod network, service proxy and cluster DNS, each as the user that it is upstream, since each
 * has rights of its own. Composition only.
 */
import { localPath } from '../api/index.ts';
import { type Clock, type Logger, type Random, Registry, type TaskGroup } from '../base/index.ts';
import {
  type Client,
  createClient,
  createEventRecorder,
  createHttpsTransport,
  createInformerFactory,
  type InformerFactory,
  runControllers,
  type TlsIdentity,
} from '../client/index.ts';
import { startClusterDns } from '../dns/index.ts';
import { createLocalPathCleaner, type KubeletServerConfig, type Runtime, startKubelet } from '../kubelet/index.ts';
import { startPodNetwork } from '../network/index.ts';
import { startProxy } from '../proxy/index.ts';

export interface AgentConfig {
  readonly nodeName: string;
  readonly nodeIp: string;
  /** The API server's URL as the node reaches it. */
  readonly server: string;
  /** Who each component is there. */
  readonly identities: { readonly [Name in 'kubelet' | 'kube-proxy' | 'coredns' | 'local-path-provisioner']: () => TlsIdentity };
  /** The node's engine. */
  readonly runtime: Runtime;
  readonly kubeletDir: string;
  readonly podLogsDir: string;
  /** Where the volumes of the local-path provisioner stand. */
  readonly localPathDir: string;
  /** Absolute; pods' cgroups stand below it. */
  readonly cgroupRoot: string;
  /** The engine puts containers under AppArmor profiles. */
  readonly appArmor: boolean;
  readonly kubeletServer: KubeletServerConfig;
  /** Name of nftables tables and of the CNI network. */
  readonly name: string;
  readonly podCidr: string;
  readonly cniConfigDir: string;
  readonly ipamDir: string;
  readonly mtu: number;
  readonly dns: {
    readonly serviceIp: string;
    readonly domain: string;
    readonly port: number;
    readonly upstreams: readonly string[];
    readonly reverseZones: readonly string[];
  };
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly group: TaskGroup;
}

/** Starts everything; runs until the group closes. */
export async function startAgent(config: AgentConfig): Promise<void> {
  const { clock, random, log, group, nodeName, runtime } = config;
  const { client, informers } = connect(config, 'kubelet');
  const registry = new Registry();
  const recorder = createEventRecorder({ client, component: 'kubelet', host: nodeName, clock, random, group });
  startPodNetwork({
    nodeName,
    name: config.name,
    clusterCidr: config.podCidr,
    cniConfigDir: config.cniConfigDir,
    ipamDir: config.ipamDir,
    mtu: config.mtu,
    informers,
    group,
  });
  const proxied = connect(config, 'kube-proxy').informers;
  startProxy({ nodeName, table: `${config.name}-services`, podCidr: config.podCidr, informers: proxied, clock, group, registry });
  const { domain, port, upstreams, reverseZones } = config.dns;
  const resolved = connect(config, 'coredns').informers;
  startClusterDns({ address: config.nodeIp, port, domain, upstreams, reverseZones, informers: resolved, clock, group });
  cleanLocalPaths(config, registry);
  await startKubelet(
    {
      nodeName,
      nodeIps: [config.nodeIp],
      version: config.version,
      rootDir: config.kubeletDir,
      podLogsDir: config.podLogsDir,
      localPathDir: config.localPathDir,
      cgroupRoot: config.cgroupRoot,
      appArmor: config.appArmor,
      clusterDns: [config.dns.serviceIp],
      clusterDomain: domain,
      server: config.kubeletServer,
    },
    { client, informers, recorder, runtime, clock, random, log, group, registry },
  );
}

function cleanLocalPaths(config: AgentConfig, registry: Registry): void {
  const { nodeName, localPathDir: directory, clock, random, group } = config;
  const { client, informers } = connect(config, 'local-path-provisioner');
  const recorder = createEventRecorder({ client, component: localPath.provisioner, host: nodeName, clock, random, group });
  const context = { client, informers, recorder, clock, random, registry };
  runControllers({ controllers: [createLocalPathCleaner(context, { nodeName, directory })], context, group });
}

/** A connection of a component's own, and the caches behind it. */
function connect(
  config: AgentConfig,
  component: keyof AgentConfig['identities'],
): { readonly client: Client; readonly informers: InformerFactory } {
  const { server, identities, version, clock, random, log, group } = config;
  const transport = createHttpsTransport({
    server,
    identity: identities[component],
    clock,
    random,
    log,
    userAgent: `${component}/${version}`,
  });
  const client = createClient(transport);
  return { client, informers: createInformerFactory({ client, clock, random, log, group }) };
}
