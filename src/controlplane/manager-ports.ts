/**
 * Where controllers and scheduler of a control plane show health and metrics: upstream's ports, 10257 and 10259, on an address of the
 * cluster's own, with the API server's certificate, for whom the API server lets see them. A port that is taken is told and left alone: the
 * cluster works without it.
 */
import { type ApiServer, gitVersion, kubernetesVersion, type TlsFiles } from '../apiserver/index.ts';
import { type Clock, type HealthCheck, type Logger, type Random, registerProcessMetrics, Registry } from '../base/index.ts';
import { createClient } from '../client/index.ts';
// One by one: the whole door brings kubeconfigs along, which a control plane needs not.
import { delegatedAccess } from './component/delegated-access.ts';
import { leaderElectionCheck } from './component/election.ts';
import { ComponentError } from './component/errors.ts';
import { registerLeaderStatus } from './component/leader-status.ts';
import { type ComponentServer, type MetricsSource, serveComponent } from './component/serving.ts';
import type { ManagerPart, Managers } from './managers.ts';

export interface ManagerPortsOptions {
  readonly host: string;
  readonly managers: Managers;
  /** Certificate and authority of the API server. */
  readonly tls: TlsFiles;
  readonly api: Pick<ApiServer, 'transport'>;
  readonly knarrVersion: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** For tests: any free ports. */
  readonly anyPort?: boolean;
}

const parts = [
  { part: 'controllers', name: 'kube-controller-manager', port: 10_257 },
  { part: 'scheduler', name: 'kube-scheduler', port: 10_259 },
] as const satisfies readonly { readonly part: ManagerPart; readonly name: string; readonly port: number }[];

export interface ManagerPorts extends AsyncDisposable {
  /** By the name of the component; undefined: its port was taken. */
  readonly ports: ReadonlyMap<string, number | undefined>;
}

export async function openManagerPorts(options: ManagerPortsOptions): Promise<ManagerPorts> {
  const { host, managers, tls, api, clock, random, log } = options;
  const servers: ComponentServer[] = [];
  const ports = new Map<string, number | undefined>();
  for (const { part, name, port } of parts) {
    const client = createClient(api.transport({ name: `system:${name}`, groups: ['system:authenticated'] }, name));
    const checks = (): HealthCheck[] => [leaderElectionCheck];
    try {
      const server = await serveComponent({
        flags: { 'bind-address': host },
        defaultPort: options.anyPort ? 0 : port,
        checks,
        metrics: metricsOf(name, () => managers.metricsOf(part), options),
        access: delegatedAccess({ clientCa: tls.clientCa?.toString(), reviews: client, decisions: client, clock }),
        pair: tls,
        clock,
        random,
        log,
      });
      servers.push(server);
      ports.set(name, server.address?.port);
    } catch (err) {
      if (!(err instanceof ComponentError)) throw err;
      log.warn('a component shows no metrics: its port is taken', { component: name, host, port, err });
      ports.set(name, undefined);
    }
  }
  return {
    ports,
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  };
}

/** What the process takes, whether the part leads, and what it counts while it does. */
function metricsOf(name: string, present: () => Registry | undefined, { knarrVersion }: ManagerPortsOptions): MetricsSource {
  const own = new Registry();
  registerProcessMetrics(own, { ...kubernetesVersion, gitVersion: gitVersion(knarrVersion) });
  registerLeaderStatus(own, name, () => present() !== undefined);
  return {
    contentType: own.contentType,
    metrics: async () => `${await own.metrics()}${(await present()?.metrics()) ?? ''}`,
  };
}
