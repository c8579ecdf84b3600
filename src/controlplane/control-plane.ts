/**
 * What makes a control plane: API server, controllers and scheduler in one process, the latter two as clients without a socket. Composition
 * only; each component stands in its own room.
 */
import { builtinResources } from '../api/kinds/index.ts';
import {
  type ApiServer,
  type BackendTls,
  createApiServer,
  gitVersion,
  type ListenAddress,
  loopbackUser,
  serviceAccountTokenVerifier,
  standardExtensions,
  StartUpSteps,
  type TlsFiles,
  type TokenSigner,
  type UserInfo,
} from '../apiserver/index.ts';
import { type Clock, type Logger, type Random, Registry, type TaskGroup } from '../base/index.ts';
import { type Client, createClient, createEventRecorder, createInformerFactory, runControllers } from '../client/index.ts';
import { createControllers } from '../controllers/index.ts';
import { startScheduler } from '../scheduler/index.ts';
import type { Store } from '../store/index.ts';
import { type ClusterDnsService, startClusterDnsService } from './cluster-dns-service.ts';

export interface ControlPlaneConfig {
  readonly store: Store;
  readonly tls: TlsFiles;
  /** PEM of the cluster's authority. */
  readonly rootCa: string;
  readonly listen: readonly ListenAddress[];
  /** Where nodes and pods reach the API server: the endpoint of the Service `default/kubernetes`. */
  readonly advertise: { readonly ip: string; readonly port: number };
  readonly serviceCidr: string;
  readonly apiServiceIp: string;
  readonly podCidr: string;
  readonly tokens: TokenSigner & { readonly verifySignature: (token: string) => unknown };
  readonly kubeletTls: () => BackendTls;
  readonly dns: ClusterDnsService | undefined;
  readonly knarrVersion: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly group: TaskGroup;
  readonly onStoreLost: (error: Error) => void;
}

export interface ControlPlane {
  readonly api: ApiServer;
  close(): Promise<void>;
}

const controllerManager: UserInfo = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };
const scheduler: UserInfo = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };

/** Upstream waits five seconds for other API servers to hear of a namespace's end; this cluster has one. */
const singleServerGraceMs = 0;

/** Resolves when the API server listens; controllers and scheduler start right after. */
export async function startControlPlane(config: ControlPlaneConfig): Promise<ControlPlane> {
  const { clock, random, group, log } = config;
  const registry = new Registry();
  const api = await startApiServer(config, registry);
  const client = createClient(api.transport(controllerManager));
  // One set of caches for everyone in this process; each writes under its own name.
  const informers = createInformerFactory({ client, clock, random, log, group });
  const recorder = (own: Client, component: string): ReturnType<typeof createEventRecorder> =>
    createEventRecorder({ client: own, component, clock, random, group });
  const context = { client, informers, recorder: recorder(client, 'controllermanager'), clock, random, registry };
  runControllers({
    controllers: createControllers(context, {
      rootCa: config.rootCa,
      nodeIpam: { clusterCidrs: [config.podCidr] },
      namespace: { deletionGraceMs: singleServerGraceMs },
    }),
    context,
    group,
  });
  const schedulerClient = createClient(api.transport(scheduler));
  startScheduler({ client: schedulerClient, informers, recorder: recorder(schedulerClient, 'default-scheduler'), clock, random, group });
  if (config.dns) startClusterDnsService(config.dns, createClient(api.transport(loopbackUser)), clock, group);
  return {
    api,
    close: async () => {
      await group.close();
      await api.close();
    },
  };
}

async function startApiServer(config: ControlPlaneConfig, metrics: Registry): Promise<ApiServer> {
  const { tokens, advertise } = config;
  const steps = new StartUpSteps();
  const api = await createApiServer({
    store: config.store,
    resources: builtinResources,
    tls: config.tls,
    log: config.log.child({ part: 'apiserver' }),
    clock: config.clock,
    random: config.random,
    verifyToken: serviceAccountTokenVerifier({
      issuer: tokens.issuer,
      audiences: tokens.audiences,
      verifySignature: tokens.verifySignature,
    }),
    extensions: standardExtensions({
      serverAddress: () => `${advertise.ip}:${advertise.port}`,
      version: { knarrVersion: config.knarrVersion },
      allocators: { serviceCidr: config.serviceCidr },
      health: { steps, metrics },
      subresources: { kubeletTls: config.kubeletTls, signer: tokens },
      openApi: async () =>
        (await import('../api/openapi/index.ts')).createOpenApiSource({ serverVersion: gitVersion(config.knarrVersion) }),
      bootstrap: { steps, address: () => advertise, serviceIp: config.apiServiceIp, clientCa: config.rootCa },
    }),
    onStoreLost: config.onStoreLost,
  });
  for (const address of config.listen) await api.listen(address);
  return api;
}
