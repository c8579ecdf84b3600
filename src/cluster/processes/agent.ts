/** The agent process of a node on this machine: keeps the engine, runs kubelet, proxy, network and DNS, watches the control plane. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { aborted, createLogger, systemClock, systemRandom } from '../../base/index.ts';
import { nodeCgroup } from '../cgroups.ts';
import { ClusterError } from '../cluster-error.ts';
import { readNodePki } from '../cluster-pki.ts';
import { readClusterRecord } from '../cluster-record.ts';
import { ensureContainerd, ensurePauseImage, keepContainerd } from '../engine/containerd-process.ts';
import { protectFromOomKiller } from '../engine/oom-score.ts';
import { clusterPaths, knarrHome, machineNames, nodePaths } from '../home.ts';
import { agentRecord, containerdRecord } from '../launch.ts';
import { LiveRecord } from '../live-record.ts';
import { nodeAddresses, rangesOf } from '../network/addresses.ts';
import { hostResolvers } from '../network/resolvers.ts';
import { claimProcessRecord } from '../process-record.ts';
import { processGroup } from './process-group.ts';
import { ingressServer } from './ingress-server.ts';
import { superviseControlPlane } from '../supervision.ts';
import { kubernetesVersion } from '../version.ts';
import { dnsPort } from './dns-port.ts';

const kubeletPort = 10_250;
const clusterDomain = 'cluster.local';

export async function runAgent(name: string, index: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  const home = knarrHome();
  const paths = clusterPaths(home, name);
  const record = readClusterRecord(paths);
  const node = record?.nodes.find((each) => each.index === index);
  if (!record || !node) throw new ClusterError(`there is no node ${index} of a cluster "${name}"`);
  const log = createLogger({ component: `agent-${index}` });
  const clock = systemClock;
  using claim = await claimProcessRecord(agentRecord(paths, index), clock, { signal });
  if (!claim || existsSync(paths.stoppingMark)) return log.info('not needed: another agent runs, or the cluster is being stopped');
  const group = processGroup(log, signal);
  protectFromOomKiller('node');
  const files = nodePaths(paths, index);
  const engine = { home, paths: files, record: containerdRecord(paths, index), clock };
  // The engine starts while everything else is loaded.
  const [{ startAgent }, { defaultConfiguration }, { connectCri }] = await Promise.all([
    import('../../agent/index.ts'),
    import('../../network/configuration/index.ts'),
    import('../../kubelet/index.ts'),
    ensureContainerd(engine, { signal, log }),
  ]);
  const runtime = connectCri(files.criSocket, { clock });
  await ensurePauseImage(engine, runtime, { signal, log });
  const launch = { home, cluster: name, paths, engineEnv: record.engine.proxyEnv };
  group.spawn('container engine', (ctx) => keepContainerd(engine, ctx));
  group.spawn('control plane watch', (ctx) => superviseControlPlane({ launch, live: new LiveRecord(paths, record) }, index, clock, ctx));
  const { network } = record;
  const pki = readNodePki(paths, node);
  const identities = {
    kubelet: pki.identity('kubelet-client'),
    proxy: pki.identity('kube-proxy'),
    network: pki.identity('flannel'),
    dns: pki.identity('coredns'),
    policies: pki.identity('kube-network-policies'),
    localPath: pki.identity('local-path-provisioner'),
    ingress: pki.identity('knarr-ingress'),
  };
  await startAgent({
    nodeName: node.name,
    nodeIps: nodeAddresses(network, node),
    server: `https://${network.hostIp}:${record.apiPort}`,
    identities: {
      kubelet: () => identities.kubelet,
      'kube-proxy': () => identities.proxy,
      flannel: () => identities.network,
      coredns: () => identities.dns,
      'kube-network-policies': () => identities.policies,
      'local-path-provisioner': () => identities.localPath,
      'knarr-ingress': () => identities.ingress,
    },
    runtime,
    kubeletDir: files.kubelet,
    podLogsDir: files.podLogs,
    localPathDir: files.volumes,
    cgroupRoot: nodeCgroup(name, index),
    // As the engine's configuration says.
    appArmor: false,
    kubeletServer: {
      // The node's network is its own: nobody else listens there.
      address: network.ipv6 ? '::' : node.ip,
      port: kubeletPort,
      tlsCert: pki.serving.cert,
      tlsKey: pki.serving.key,
      auth: {
        clientCa: pki.ca,
        allowedUsers: [],
        allowedGroups: [],
        webhook: true,
      },
    },
    name: machineNames(name).nftTable,
    podCidrs: rangesOf(network, 'podCidr'),
    cniConfigDir: files.cniConfig,
    ipamDir: join(files.root, 'ipam'),
    podNetwork: record.podNetwork ?? defaultConfiguration(),
    ...(record.balance && { balance: record.balance }),
    dns: {
      serviceIp: network.dnsServiceIp,
      domain: clusterDomain,
      port: dnsPort,
      // What the host itself resolves with, seen through this node's own resolv.conf.
      upstreams: hostResolvers(),
    },
    ...(record.loadBalancerPool !== undefined && { loadBalancerPool: record.loadBalancerPool }),
    ...(record.ingress && { ingress: ingressServer({ home, paths, record }, node) }),
    version: kubernetesVersion,
    clock,
    random: systemRandom,
    log,
    group,
  });
  log.info('agent is up', { node: node.name });
  await aborted(signal);
  await group.close();
}
