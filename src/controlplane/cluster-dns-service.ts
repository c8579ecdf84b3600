/**
 * Cluster DNS as the API shows it: the Service under which pods find it, the slices that lead to the nodes whose DNS answers, and the
 * ConfigMap with its Corefile, made once and then the user's. A controller like any other, though it makes objects instead of following them.
 */
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { type corev1, corev1Resources, type discoveryv1, discoveryv1Resources, isApiError, type Unsaved } from '../api/index.ts';
import { type Clock, type Ctx, isAbort, type Random, type TaskGroup } from '../base/index.ts';
import { type Client, createEventRecorder, createInformerFactory } from '../client/index.ts';
import { corefileMap, defaultCorefile } from '../dns/corefile/index.ts';

export interface ClusterDnsService {
  /** The address that every pod's resolv.conf names. */
  readonly serviceIp: string;
  /** Where an agent's DNS listens. */
  readonly port: number;
  readonly domain: string;
}

export interface ClusterDnsServiceOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly group: TaskGroup;
}

/** A node whose agent runs DNS. */
export interface DnsNode {
  readonly name: string;
  readonly ips: readonly string[];
  /** Ready, and its DNS answers. */
  readonly serves: boolean;
}

const namespace = 'kube-system';
const name = 'kube-dns';
const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' };
/** Where the metrics of upstream's DNS are; an agent's are as far from it as its DNS is from 53. */
const metricsPort = 9153;
const dnsPort = 53;
const retryMs = 500;
const askMs = 2000;
const answerMs = 1000;
/** Questions without an answer, one after another, after which a node's DNS counts as down. */
const maxUnanswered = 2;

/** Runs until the group closes. */
export function startClusterDnsService(dns: ClusterDnsService, { client, clock, random, group }: ClusterDnsServiceOptions): void {
  group.spawn('cluster DNS service', async (ctx) => {
    const { log, signal } = ctx;
    const informers = createInformerFactory({ client, clock, random, log, group });
    const recorder = createEventRecorder({ client, component: 'coredns', clock, random, group });
    const nodes = informers.informer(corev1Resources.nodes);
    const configMaps = informers.informer(corev1Resources.configmaps, { namespace, fieldSelector: `metadata.name=${corefileMap.name}` });
    let unread: corev1.ConfigMap | undefined;
    const read = async (object: corev1.ConfigMap): Promise<void> => {
      const fault = await faultOf(object, dns.domain);
      if (fault !== undefined)
        recorder.event(object, { type: 'Warning', reason: 'InvalidCorefile', message: `${fault}; the Corefile before stays in use` });
    };
    const changed = (object: corev1.ConfigMap): void => {
      unread = object;
    };
    configMaps.addHandler({ added: changed, updated: (_old, current) => changed(current) });
    informers.start();
    await informers.whenSynced(signal);
    const unanswered = new Map<string, number>();
    let made = false;
    let told = '';
    for (;;) {
      const corefile = unread;
      unread = undefined;
      if (corefile) await read(corefile);
      const seen = nodes.list().flatMap((node) => dnsNode(node, unanswered) ?? []);
      const wanted = dnsEndpoints(dns, seen);
      const text = JSON.stringify(wanted);
      try {
        if (!made) await makeService(dns, client, ctx);
        made = true;
        if (text !== told) await keepEndpoints(wanted, client, ctx);
        told = text;
      } catch (err) {
        if (isAbort(err, signal) || !isApiError(err)) throw err;
        log.warn('cannot keep the DNS Service', { err });
        await clock.sleep(retryMs, signal);
        continue;
      }
      await clock.sleep(askMs, signal);
      await askAll(dns.port, nodes.list(), { unanswered, clock });
    }
  });
}

/** What is wrong with the Corefile of this ConfigMap; undefined: nothing. */
async function faultOf(object: corev1.ConfigMap, domain: string): Promise<string | undefined> {
  const text = object.data?.[corefileMap.key];
  if (text === undefined || text === defaultCorefile(domain)) return undefined;
  // Most clusters never change it: their control plane needs nothing of DNS but its Service.
  const { CorefileFault, readCorefile } = await import('../dns/index.ts');
  try {
    readCorefile(text);
    return undefined;
  } catch (err) {
    if (!(err instanceof CorefileFault)) throw err;
    return err.message;
  }
}

function dnsNode({ metadata, status }: corev1.Node, unanswered: ReadonlyMap<string, number>): DnsNode | undefined {
  const ips = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
  if (ips.length === 0) return undefined;
  const ready = status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') ?? false;
  return { name: metadata.name, ips, serves: ready && (unanswered.get(metadata.name) ?? 0) < maxUnanswered };
}

async function askAll(
  port: number,
  nodes: readonly corev1.Node[],
  { unanswered, clock }: { readonly unanswered: Map<string, number>; readonly clock: Clock },
): Promise<void> {
  const known = new Set(nodes.map(({ metadata }) => metadata.name));
  for (const gone of [...unanswered.keys()].filter((each) => !known.has(each))) unanswered.delete(gone);
  await Promise.all(
    nodes.map(async ({ metadata, status }) => {
      // Both families of a node are served by one thread; the first tells of it.
      const ip = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
      if (ip === undefined) return;
      const answers = await answersDns({ ip, port }, clock);
      unanswered.set(metadata.name, answers ? 0 : (unanswered.get(metadata.name) ?? 0) + 1);
    }),
  );
}

/** `. IN NS`, which costs whoever answers next to nothing: a class that nobody serves, so that it goes no further. */
const question = Buffer.from('4b4e000000010000000000000000020003', 'hex');

function answersDns({ ip, port }: { readonly ip: string; readonly port: number }, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(ip) === 6 ? 'udp6' : 'udp4');
    let ended = false;
    const end = (answers: boolean): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      socket.close();
      resolve(answers);
    };
    const timer = clock.setTimer(answerMs, () => end(false));
    socket.on('error', () => end(false));
    socket.on('message', () => end(true));
    socket.connect(port, ip, () => {
      if (!ended) socket.send(question);
    });
  });
}

const query = { fieldManager: 'knarr-dns', force: true };
const apply = { type: 'application/apply-patch+yaml' } as const;

async function makeService(dns: ClusterDnsService, client: Client, { signal }: Ctx): Promise<void> {
  await client.patch(corev1Resources.services, { namespace, name }, { ...apply, body: dnsService(dns) }, { signal, query });
  const data = { [corefileMap.key]: defaultCorefile(dns.domain) };
  const map: Unsaved<corev1.ConfigMap> = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: corefileMap.name }, data };
  try {
    await client.create(corev1Resources.configmaps, map, { signal });
  } catch (err) {
    // It is the user's since it was made.
    if (!isApiError(err, 'AlreadyExists')) throw err;
  }
}

async function keepEndpoints(slices: readonly Unsaved<discoveryv1.EndpointSlice>[], client: Client, { signal }: Ctx): Promise<void> {
  for (const body of slices) {
    await client.patch(
      discoveryv1Resources.endpointslices,
      { namespace, name: body.metadata.name! },
      { ...apply, body },
      { signal, query },
    );
  }
}

/** Without a selector: its endpoints are the agents, not pods. Pure. */
export function dnsService({ serviceIp }: ClusterDnsService): Unsaved<corev1.Service> {
  const annotations = { 'prometheus.io/port': `${metricsPort}`, 'prometheus.io/scrape': 'true' };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels, annotations },
    spec: {
      clusterIP: serviceIp,
      // Where the cluster has two families, DNS is found in both.
      ipFamilyPolicy: 'PreferDualStack',
      // A node's own DNS is the nearest; the hints of the slices say so to proxies.
      trafficDistribution: 'PreferSameNode',
      ports: [
        { name: 'dns', port: dnsPort, protocol: 'UDP', targetPort: dnsPort },
        { name: 'dns-tcp', port: dnsPort, protocol: 'TCP', targetPort: dnsPort },
        { name: 'metrics', port: metricsPort, protocol: 'TCP', targetPort: metricsPort },
      ],
    },
  };
}

/**
 * One of IPv4, and one of IPv6 where nodes have it. A node whose DNS does not answer is not ready; while none answers, all are given as they
 * are, since the one who asks may be the one who is cut off. Pure.
 */
export function dnsEndpoints({ port }: ClusterDnsService, nodes: readonly DnsNode[]): Unsaved<discoveryv1.EndpointSlice>[] {
  const trusted = nodes.some(({ serves }) => serves);
  const families = nodes.some(({ ips }) => ips.some((ip) => isIP(ip) === 6)) ? [4, 6] : [4];
  return families.map((family) => {
    const endpoints = nodes
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap(({ name: nodeName, ips, serves }) => {
        const ready = serves || !trusted;
        return ips
          .filter((ip) => isIP(ip) === family)
          .map((ip) => ({
            addresses: [ip],
            nodeName,
            conditions: { ready, serving: ready, terminating: false },
            ...(ready && { hints: { forNodes: [{ name: nodeName }] } }),
          }));
      });
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: family === 4 ? name : `${name}-ipv6`,
        namespace,
        labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'knarr-dns' },
      },
      addressType: `IPv${family}`,
      ports: [
        { name: 'dns', port, protocol: 'UDP' },
        { name: 'dns-tcp', port, protocol: 'TCP' },
        { name: 'metrics', port: metricsPort + port - dnsPort, protocol: 'TCP' },
      ],
      endpoints,
    } satisfies Unsaved<discoveryv1.EndpointSlice>;
  });
}
