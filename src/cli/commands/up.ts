/** `knarr up`: starts a cluster, or starts a stopped one again. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { systemClock } from '../../base/index.ts';
import { ClusterError, clusterPaths, type EngineOptions, knarrHome, type PublishedPort, readClusterRecord } from '../../cluster/index.ts';
import { up } from '../../cluster/lifecycle/index.ts';
import { collectExtraConfig, type ExtraConfig, type FlagsByComponent, readComponentFlags } from '../component-flags.ts';
import { readPodNetwork } from '../pod-network-option.ts';
import { type Subcommand, withName } from '../subcommand.ts';

interface Flags {
  readonly name: string;
  readonly nodes?: number;
  readonly wait?: boolean;
  readonly kubeconfig: boolean;
  readonly publish?: readonly PublishedPort[];
  readonly ipFamily?: 'ipv4' | 'dual';
  readonly ingress?: boolean;
  readonly network?: string;
  readonly balance?: 'random' | 'round-robin';
  readonly loadBalancerPool?: string;
  readonly registryMirror?: Readonly<Record<string, string>>;
  readonly registryCa?: string;
  readonly extraConfig?: readonly ExtraConfig[];
  readonly featureGates?: string;
  readonly runtimeConfig?: string;
}

const poolHelp =
  "addresses for load balancers, such as 10.200.0.240-10.200.0.250,192.0.2.0/28; auto, or none (default: as before, or none: they get the nodes')";

export const upCommand: Subcommand = (command, context) => {
  withName(command)
    .option('--nodes <count>', 'how many nodes it has; more than there are: they are added (default: as many as before, or 1)', parseCount)
    .option('--wait', 'wait until cluster DNS and the default ServiceAccount are there too')
    .option('--no-kubeconfig', "leave the user's kubeconfig alone")
    .option('--publish <host:node>', 'lead a port of this machine to a NodePort or hostPort; may be repeated', collectPort)
    .option('--ip-family <family>', 'ipv4, or dual for IPv4 and IPv6; chosen once (default: ipv4)', parseIpFamily)
    .option('--ingress', 'serve Ingresses on ports 80 and 443 of the nodes (default: as before, or not)')
    .option('--no-ingress', 'serve Ingresses no more')
    .option('--network <backend|file>', "vxlan, host-gw, none, or a file with flannel's net-conf.json (default: as before, or vxlan)")
    .option('--load-balancer-pool <ranges>', poolHelp)
    .option('--balance <way>', 'how Services choose an endpoint: random, or round-robin (default: as before, or random)', parseBalance)
    .option('--registry-mirror <host=url>', 'pull what a registry has from a mirror; may be repeated', collectMirror)
    .option('--registry-ca <file>', 'verify registries with the certificates in this file')
    .option('--extra-config <component.flag=value>', 'a flag of a component, such as apiserver.anonymous-auth=false', collectExtraConfig)
    .option('--feature-gates <pairs>', 'turn features on or off, such as A=true,B=false')
    .option('--runtime-config <pairs>', 'serve groups and versions or not, such as api/all=true,storage.k8s.io/v1beta1=false')
    .action(async (flags: Flags) => {
      const { name } = flags;
      const given = await readComponentFlags(flags, rememberedFlags(name, context.env));
      const engine = engineOptions(flags, context.env);
      const result = await up(
        {
          home: knarrHome(context.env),
          name,
          env: context.env,
          clock: systemClock,
          say: context.say,
          waitForAll: flags.wait ?? false,
          writeKubeconfig: flags.kubeconfig,
          ...(flags.nodes !== undefined && { nodeCount: flags.nodes }),
          ...(flags.ipFamily && { ipFamily: flags.ipFamily }),
          ...(flags.ingress !== undefined && { ingress: flags.ingress }),
          ...(flags.publish && { published: flags.publish }),
          ...(flags.network !== undefined && { podNetwork: await readPodNetwork(flags.network) }),
          ...(flags.loadBalancerPool !== undefined && { loadBalancerPool: flags.loadBalancerPool }),
          ...(flags.balance && { balance: flags.balance }),
          ...(engine && { engine }),
          ...(given.apiserver && { apiServerFlags: given.apiserver }),
          ...(given['controller-manager'] && { controllerManagerFlags: given['controller-manager'] }),
          ...(given.scheduler && { schedulerFlags: given.scheduler }),
        },
        context,
      );
      if (result.kubeconfig) context.say(`context knarr-${name} is current in ${result.kubeconfig}`);
    });
};

/** Those that an earlier call gave the cluster; none when there is no such cluster yet. */
function rememberedFlags(name: string, env: Readonly<Record<string, string | undefined>>): FlagsByComponent {
  const record = readClusterRecord(clusterPaths(knarrHome(env), name));
  return { apiserver: record?.apiServerFlags, 'controller-manager': record?.controllerManagerFlags, scheduler: record?.schedulerFlags };
}

export function parseCount(text: string): number {
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('give a whole number from 1');
  return Number(text);
}

function parseIpFamily(text: string): 'ipv4' | 'dual' {
  if (text === 'ipv6') throw new InvalidArgumentError('clusters of IPv6 alone are not supported; give dual for both families');
  if (text !== 'ipv4' && text !== 'dual') throw new InvalidArgumentError('give ipv4 or dual');
  return text;
}

function parseBalance(text: string): 'random' | 'round-robin' {
  if (text !== 'random' && text !== 'round-robin') throw new InvalidArgumentError('give random or round-robin');
  return text;
}

export function collectPort(text: string, before: readonly PublishedPort[] = []): PublishedPort[] {
  const match = /^(\d+):(\d+)$/.exec(text);
  const [hostPort, nodePort] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || ![hostPort, nodePort].every((port) => port >= 1 && port <= 65_535))
    throw new InvalidArgumentError('give it as HOST_PORT:NODE_PORT, such as 8080:30080');
  return [...before, { hostPort, nodePort }];
}

export function collectMirror(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const match = /^([^=/\s]+)=(https?:\/\/\S+)$/.exec(text);
  if (!match) throw new InvalidArgumentError('give it as HOST=URL, such as docker.io=https://mirror.example.com');
  return { ...before, [match[1]!]: match[2]! };
}

const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/** What the engine needs to reach registries; undefined when nothing was said, so that a stopped cluster keeps its own. */
function engineOptions(flags: Flags, env: Readonly<Record<string, string | undefined>>): EngineOptions | undefined {
  const proxyEnv: Record<string, string> = {};
  for (const name of proxyVariables) if (env[name]) proxyEnv[name] = env[name];
  if (!flags.registryMirror && !flags.registryCa && Object.keys(proxyEnv).length === 0) return undefined;
  if (flags.registryCa && !existsSync(flags.registryCa)) throw new ClusterError(`no such file: ${flags.registryCa}`);
  return { registryMirrors: flags.registryMirror ?? {}, proxyEnv, ...(flags.registryCa && { registryCa: resolve(flags.registryCa) }) };
}
