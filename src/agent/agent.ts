/**
 * What makes a node agent: kubelet with the pod network, service proxy and cluster DNS, each as the user that it is upstream, since each
 * has rights of its own. Composition only.
 */
import { corev1Resources, localPath, parseAddressPool } from '../api/index.ts';
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
import type { IngressControllerConfig } from '../ingress/index.ts';
import { createLocalPathCleaner, type KubeletServerConfig, type Runtime, startKubelet } from '../kubelet/index.ts';
import { startAnnouncer } from '../network/announce/index.ts';
import { createKernel, type NetworkConfiguration, startPodNetwork } from '../network/index.ts';
import { type NetworkPolicies, startNetworkPolicies } from '../network/policy/index.ts';
import { type Balance, ProxyHealth, startHealthServers, startProxy } from '../proxy/index.ts';

export interface AgentConfig {
  readonly nodeName: string;
  /** One of each family at most; the first is the primary one. */
  readonly nodeIps: readonly string[];
  /** The API server's URL as the node reaches it. */
  readonly server: string;
  /** Who each component is there. */
  readonly identities: {
    readonly [
      Name in 'kubelet' | 'kube-proxy' | 'flannel' | 'coredns' | 'kube-network-policies' | 'local-path-provisioner' | 'knarr-ingress'
    ]: () => TlsIdentity;
  };
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
  /** Ranges of all pods of the cluster, one of each family at most. */
  readonly podCidrs: readonly string[];
  readonly cniConfigDir: string;
  readonly ipamDir: string;
  /** How pods of different nodes reach each other. */
  readonly podNetwork: NetworkConfiguration;
  /** How Services choose among their endpoints; left out: at random. */
  readonly balance?: Balance;
  readonly dns: {
    readonly serviceIp: string;
    readonly domain: string;
    readonly port: number;
    readonly upstreams: readonly string[];
  };
  /** Addresses for load balancers that the nodes answer for; left out: none. */
  readonly loadBalancerPool?: string;
  /** Left out: Ingresses are somebody else's. */
  readonly ingress?: Pick<IngressControllerConfig, 'settings' | 'program' | 'record' | 'serverLog'>;
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
  // It reads every node, and writes with the rights of this one.
  const { informers: everyNode } = connect(config, 'flannel');
  startPodNetwork({
    nodeName,
    nodeIps: config.nodeIps,
    name: config.name,
    networks: config.podCidrs,
    configuration: config.podNetwork,
    cniConfigDir: config.cniConfigDir,
    ipamDir: config.ipamDir,
    informers: everyNode,
    client,
    recorder,
    clock,
    group,
  });
  serveServices(config, everyNode, registry);
  const { domain, port, upstreams } = config.dns;
  const resolved = connect(config, 'coredns').informers;
  startClusterDns({ addresses: config.nodeIps, port, domain, upstreams, informers: resolved, clock, group });
  const policies = enforcePolicies(config, registry);
  cleanLocalPaths(config, registry);
  if (config.ingress) await serveIngresses(config, config.ingress, registry);
  await startKubelet(
    {
      nodeName,
      nodeIps: config.nodeIps,
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
    { client, informers, recorder, runtime, clock, random, log, group, registry, guardPod: (...given) => policies.guard(...given) },
  );
}

/** The proxy, its health ports, and the addresses of load balancers: all of it as kube-proxy. */
function serveServices(config: AgentConfig, everyNode: InformerFactory, registry: Registry): void {
  const { nodeName, nodeIps, name, podCidrs, clock, random, group } = config;
  const { client, informers } = connect(config, 'kube-proxy');
  const recorder = createEventRecorder({ client, component: 'kube-proxy', host: nodeName, clock, random, group });
  const health = new ProxyHealth(clock);
  const common = { nodeName, informers, recorder, clock, group };
  startProxy({
    ...common,
    nodeIps,
    table: `${name}-services`,
    podCidrs,
    progress: health,
    registry,
    ...(config.balance && { balance: config.balance }),
  });
  startHealthServers({ ...common, health, registry });
  if (config.loadBalancerPool === undefined) return;
  const nodes = everyNode.informer(corev1Resources.nodes);
  startAnnouncer({ ...common, nodeIps, pool: parseAddressPool(config.loadBalancerPool), kernel: createKernel(), nodes, client });
  everyNode.start();
}

function enforcePolicies(config: AgentConfig, registry: Registry): NetworkPolicies {
  const { nodeName, name, clock, random, group, dns } = config;
  const { client, informers } = connect(config, 'kube-network-policies');
  const recorder = createEventRecorder({ client, component: 'kube-network-policies', host: nodeName, clock, random, group });
  // The cluster's DNS has no pods here: to policies it is what it is elsewhere.
  const ports = (['UDP', 'TCP'] as const).map((protocol) => ({ protocol, name: protocol === 'UDP' ? 'dns' : 'dns-tcp', number: 53 }));
  const nodeServices = [{ namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ips: [dns.serviceIp], ports }];
  return startNetworkPolicies({ nodeName, table: `${name}-policies`, nodeServices, informers, recorder, clock, group, registry });
}

function cleanLocalPaths(config: AgentConfig, registry: Registry): void {
  const { nodeName, localPathDir: directory, clock, random, group } = config;
  const { client, informers } = connect(config, 'local-path-provisioner');
  const recorder = createEventRecorder({ client, component: localPath.provisioner, host: nodeName, clock, random, group });
  const context = { client, informers, recorder, clock, random, registry };
  runControllers({ controllers: [createLocalPathCleaner(context, { nodeName, directory })], context, group });
}

/** Loaded only by whoever serves them. */
async function serveIngresses(config: AgentConfig, ingress: NonNullable<AgentConfig['ingress']>, registry: Registry): Promise<void> {
  const { startIngressController } = await import('../ingress/index.ts');
  const { nodeName, clock, random, group } = config;
  const { client, informers } = connect(config, 'knarr-ingress');
  const recorder = createEventRecorder({ client, component: 'knarr-ingress', host: nodeName, clock, random, group });
  startIngressController({ ...ingress, nodeName, informers, recorder, clock, group, registry });
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
