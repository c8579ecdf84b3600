/**
 * The API server of a control plane: the built-in kinds, every standard extension, ServiceAccount tokens. Listens where it is told
 * to; without an address it is reached in this process only.
 */
import type { AddressInfo } from 'node:net';
import { builtinResources, schedulingExplanationResources, usageMetricsResources } from '../api/kinds/index.ts';
import {
  type ApiServer,
  type ApiServerHost,
  type SchedulingExplainer,
  type BackendTls,
  type ComponentHealth,
  configuredAuthentication,
  configuredEncryption,
  createApiServer,
  configuredSigner,
  frontProxyAuthorities,
  gitVersion,
  kubeletUsageSource,
  type ListenAddress,
  standardExtensions,
  type ServiceAccountSigner,
  StartUpSteps,
  type TlsFiles,
  type UsageSource,
} from '../apiserver/index.ts';
import { featureGates, type FlagValues, servedResources } from '../apiserver/flags/index.ts';
import { type Clock, type Logger, type Random, Registry } from '../base/index.ts';
import type { Store } from '../store/index.ts';
import { installerBindings, installerRoles } from './installer-policy.ts';

export interface ApiServerSettings {
  readonly store: Store;
  /** Needed to listen. */
  readonly tls?: TlsFiles;
  readonly listen: readonly ListenAddress[];
  /** PEM of the cluster's authority, published for pods and aggregated servers; left out: nothing is published. */
  readonly rootCa?: string;
  /** Where nodes and pods reach the API server: the endpoint of the Service `default/kubernetes`. */
  readonly advertise: { readonly ip: string; readonly port: number };
  /** Where Services get addresses: one range, or one of each family. */
  readonly serviceCidrs: readonly string[];
  readonly apiServiceIp: string;
  readonly tokens: ServiceAccountSigner;
  /** Left out: kubelets cannot be reached (logs, exec, port-forward). */
  readonly kubeletTls?: () => BackendTls;
  /** Tells what nodes and pods use, for `metrics.k8s.io`. Default: the kubelets, where they can be reached; without either it is not served. */
  readonly usage?: (host: ApiServerHost) => UsageSource;
  /** The scheduler, where it runs beside the API server; left out: `scheduling.knarr.dev` is not served. */
  readonly explainScheduling?: SchedulingExplainer;
  /** How long events are kept. Default one hour. */
  readonly eventTtlSeconds?: number;
  /** Components beside the API server and its store; left out: there are none. */
  readonly components?: () => readonly ComponentHealth[];
  /** What flags of upstream's API server say. */
  readonly flags?: FlagValues;
  readonly knarrVersion: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onStoreLost: (error: Error) => void;
}

export interface ListeningApiServer {
  readonly api: ApiServer;
  /** In the order of `listen`, with the ports that were taken. */
  readonly addresses: readonly AddressInfo[];
}

export async function startApiServer(settings: ApiServerSettings): Promise<ListeningApiServer> {
  const { advertise, flags = {} } = settings;
  const tokens = configuredSigner(flags, settings.tokens);
  const frontProxyCa = frontProxyAuthorities(flags);
  const tls = settings.tls && { ...settings.tls, ...(frontProxyCa !== undefined && { frontProxyCa }) };
  const eventTtlMs = flags['event-ttl'];
  const compactionIntervalMs = flags['etcd-compaction-interval'];
  const eventTtlSeconds = eventTtlMs === undefined ? settings.eventTtlSeconds : Math.max(1, Math.round(eventTtlMs / 1000));
  const [enabled, disabled] = [flags['enable-admission-plugins'], flags['disable-admission-plugins']];
  const steps = new StartUpSteps();
  const metrics = new Registry();
  const minTimeout = flags['min-request-timeout'];
  const usage = settings.usage ?? kubeletUsage(settings.kubeletTls);
  const own = [...(usage ? usageMetricsResources : []), ...(settings.explainScheduling ? schedulingExplanationResources : [])];
  const isServed = servedResources(builtinResources, flags['runtime-config']);
  const api = await createApiServer({
    store: settings.store,
    resources: [...builtinResources, ...own],
    // APIs of their own, though the same server answers: whoever runs it wants them.
    isServed: (resource) => own.includes(resource) || isServed(resource),
    featureEnabled: featureGates(flags['feature-gates']),
    ...(tls && { tls }),
    ...(eventTtlSeconds !== undefined && { eventTtlSeconds }),
    ...(compactionIntervalMs !== undefined && { compactionIntervalMs }),
    log: settings.log.child({ part: 'apiserver' }),
    clock: settings.clock,
    random: settings.random,
    authentication: configuredAuthentication(flags, tokens),
    minRequestTimeoutMs: minTimeout === undefined ? undefined : minTimeout * 1000,
    requestTimeoutMs: flags['request-timeout'],
    goawayChance: flags['goaway-chance'],
    encrypt: (store, deps) => configuredEncryption(store, flags, { ...deps, metrics }),
    extensions: standardExtensions({
      serverAddress: () => `${advertise.ip}:${advertise.port}`,
      version: { knarrVersion: settings.knarrVersion },
      admission: { ...(enabled && { enabled }), ...(disabled && { disabled }) },
      allocators: { serviceCidrs: settings.serviceCidrs },
      policy: { clusterRoles: installerRoles, clusterRoleBindings: installerBindings },
      ...(settings.components && { components: settings.components }),
      flags,
      ...(usage && { usage }),
      explainScheduling: settings.explainScheduling,
      health: { steps, metrics },
      subresources: { kubeletTls: settings.kubeletTls ?? (() => ({ ca: '' })), signer: tokens },
      openApi: async () =>
        (await import('../api/openapi/index.ts')).createOpenApiSource({ serverVersion: gitVersion(settings.knarrVersion) }),
      bootstrap: { steps, address: () => advertise, serviceIp: settings.apiServiceIp, clientCa: settings.rootCa },
    }),
    onStoreLost: settings.onStoreLost,
  });
  const addresses: AddressInfo[] = [];
  for (const address of settings.listen) addresses.push(await api.listen(address));
  return { api, addresses };
}

function kubeletUsage(tls: (() => BackendTls) | undefined): ApiServerSettings['usage'] {
  return tls && ((host) => kubeletUsageSource(host, tls));
}
