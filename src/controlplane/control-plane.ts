/**
 * What makes a control plane: API server, controllers and scheduler in one process, the latter two as clients without a socket. Composition
 * only; each component stands in its own room.
 */
import { type ApiServer, type BackendTls, configuredSigner, loopbackUser, type TlsFiles } from '../apiserver/index.ts';
import type { TaskGroup } from '../base/index.ts';
import { createClient } from '../client/index.ts';
import type { CertificateAndKey } from '../pki/index.ts';
import { type ApiServerSettings, startApiServer } from './api-server.ts';
import { type ClusterDnsService, startClusterDnsService } from './cluster-dns-service.ts';
import { keepIngresses } from './ingresses.ts';
import { openManagerPorts } from './manager-ports.ts';
import { makeLocalPathClass } from './local-path-class.ts';
import type { ControllerManagerFlagValues } from './controller-manager/index.ts';
import type { SchedulerSettings } from './scheduler/index.ts';
import { componentHealth, type ManagerElection, type Managers, startManagers } from './managers.ts';

export interface ControlPlaneConfig extends ApiServerSettings {
  readonly tls: TlsFiles;
  readonly rootCa: string;
  readonly kubeletTls: () => BackendTls;
  /** Where nodes get ranges of pod addresses: one range, or one of each family. */
  readonly podCidrs: readonly string[];
  /** Where a node keeps volumes that are directories; undefined for a node that has no such place. Left out: there is no such StorageClass. */
  readonly localPathDirectoryOf?: (node: string) => string | undefined;
  /** Gives Services of type LoadBalancer addresses: the nodes', or of the pool that it names. Left out: nobody does. */
  readonly loadBalancer?: { readonly pool?: string };
  readonly dns: ClusterDnsService | undefined;
  readonly controllerManagerFlags?: ControllerManagerFlagValues;
  readonly scheduler?: SchedulerSettings;
  /** The authority that certificates are signed with when somebody asks for one; left out: nobody signs them. */
  readonly signingAuthority?: CertificateAndKey;
  /** The nodes serve Ingresses. Default false: what they wrote before, if they did, is cleared. */
  readonly ingress?: boolean;
  /** Left out: controllers and scheduler of this process run without an election. */
  readonly election?: ManagerElection;
  /** Where controllers and scheduler show health and metrics, on upstream's ports; left out: nowhere. */
  readonly managersHost?: string;
  readonly group: TaskGroup;
}

export interface ControlPlane {
  readonly api: ApiServer;
  close(): Promise<void>;
}

/** Resolves when the API server listens; controllers and scheduler start right after. */
export async function startControlPlane(config: ControlPlaneConfig): Promise<ControlPlane> {
  const { clock, random, log, group, podCidrs, rootCa, localPathDirectoryOf, signingAuthority } = config;
  const tokens = configuredSigner(config.flags ?? {}, config.tokens);
  const started: { managers?: Managers } = {};
  const { api } = await startApiServer({
    ...config,
    components: () => componentHealth(started.managers),
    explainScheduling: (key) => (started.managers ? started.managers.explainScheduling(key) : 'notRunning'),
  });
  const managers = startManagers({
    transport: (user, userAgent) => api.transport(user, userAgent),
    podCidrs,
    rootCa,
    controllerManagerFlags: config.controllerManagerFlags,
    ...(config.scheduler && { scheduler: config.scheduler.options, schedulerFlags: config.scheduler.flags }),
    election: config.election,
    ...(signingAuthority && { signing: { authorityOf: () => signingAuthority } }),
    signToken: (claims) => tokens.sign(claims),
    controllers: {
      ...(localPathDirectoryOf && { localPath: { directoryOf: localPathDirectoryOf } }),
      ...(config.loadBalancer && { loadBalancer: config.loadBalancer }),
    },
    clock,
    random,
    log,
    signal: group.signal,
  });
  started.managers = managers;
  const { managersHost, tls, knarrVersion } = config;
  const ports =
    managersHost === undefined
      ? undefined
      : await openManagerPorts({ host: managersHost, managers, tls, api, knarrVersion, clock, random, log });
  if (config.dns) startClusterDnsService(config.dns, { client: createClient(api.transport(loopbackUser)), clock, random, group });
  if (localPathDirectoryOf) makeLocalPathClass(createClient(api.transport(loopbackUser)), clock, group);
  keepIngresses({ enabled: config.ingress ?? false, client: createClient(api.transport(loopbackUser)), clock, random, log, group });
  return {
    api,
    close: async () => {
      await ports?.[Symbol.asyncDispose]();
      await managers.close();
      await group.close();
      await api.close();
    },
  };
}
