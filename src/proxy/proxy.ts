/**
 * The service proxy of one node: watches Services and EndpointSlices and keeps nftables tables true to them.
 * Invariants: one transaction at a time, with what changed only; changes that come together are applied together; a Service that nftables
 * refuses is named, tried again and in nobody's way; tables that somebody else deleted are written anew.
 */
import { corev1Resources, type discoveryv1, discoveryv1Resources, type IpFamily, ipFamilyOf, networkingv1Resources } from '../api/index.ts';
import { type Clock, type Ctx, Registry, type TaskGroup } from '../base/index.ts';
import { type EventRecorder, type Informer, type InformerFactory, untilAborted } from '../client/index.ts';
import type { ProxyProgress } from './health-state.ts';
import { ProxySync } from './proxy-sync.ts';
import type { Balance } from './table-frame.ts';

export interface ProxyConfig {
  readonly nodeName: string;
  /** The node's primary addresses, one a family: node ports stand on them. A family with neither such nor pods is not served. */
  readonly nodeIps: readonly string[];
  /** Name of the nftables tables; one a cluster. */
  readonly table: string;
  /** Ranges of all pods, one a family; their traffic to Services keeps its source. */
  readonly podCidrs: readonly string[];
  /** How endpoints are chosen; default random. */
  readonly balance?: Balance;
  /** Bit of the packet mark that asks for masquerading; default 14, as upstream. */
  readonly masqueradeBit?: number;
  readonly informers: InformerFactory;
  /** Tells Services that nftables refused them; left out: the log alone says so. */
  readonly recorder?: EventRecorder;
  /** Is told when changes come and when the kernel has them: health is made of it. */
  readonly progress?: ProxyProgress;
  readonly clock: Clock;
  readonly group: TaskGroup;
  readonly registry?: Registry;
}

const byService = 'service';
const zoneLabel = 'topology.kubernetes.io/zone';
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Starts the proxy; it runs until the group closes. */
export function startProxy(config: ProxyConfig): void {
  const { informers, nodeName, clock, group } = config;
  const services = informers.informer(corev1Resources.services);
  const slices = informers.informer(discoveryv1Resources.endpointslices);
  const nodes = informers.informer(corev1Resources.nodes, { fieldSelector: `metadata.name=${nodeName}` });
  const ranges = informers.informer(networkingv1Resources.servicecidrs);
  slices.addIndex(byService, (slice) => serviceKeysOf(slice));
  const sync = new ProxySync(
    {
      service: (key) => services.get(key),
      services: () => services.list(),
      slicesOf: (service) => slices.byIndex(byService, service),
      zone: () => nodes.get({ name: nodeName })?.metadata.labels?.[zoneLabel],
      serviceCidrs: () => ranges.list().flatMap(({ metadata, spec }) => (metadata.deletionTimestamp ? [] : (spec?.cidrs ?? []))),
    },
    {
      name: config.table,
      nodeName,
      nodeIps: config.nodeIps,
      podCidrs: byFamily(config.podCidrs),
      families: familiesOf([...config.nodeIps, ...config.podCidrs]),
      masqueradeMark: 1 << (config.masqueradeBit ?? 14),
      balance: config.balance ?? 'random',
      clock,
      registry: config.registry ?? new Registry(),
      ...(config.recorder && { recorder: config.recorder }),
      ...(config.progress && { progress: config.progress }),
    },
  );
  services.addHandler({
    added: ({ metadata }) => sync.serviceChanged(`${metadata.namespace}/${metadata.name}`),
    updated: (_old, { metadata }) => sync.serviceChanged(`${metadata.namespace}/${metadata.name}`),
    deleted: ({ metadata }) => sync.serviceChanged(`${metadata.namespace}/${metadata.name}`),
  });
  tellOfSlices(slices, sync);
  const everything = {
    added: () => sync.everythingChanged(),
    updated: () => sync.everythingChanged(),
    deleted: () => sync.everythingChanged(),
  };
  ranges.addHandler(everything);
  nodes.addHandler({
    added: everything.added,
    updated: (old, node) => {
      if (old.metadata.labels?.[zoneLabel] !== node.metadata.labels?.[zoneLabel]) sync.everythingChanged();
    },
  });
  informers.start();
  group.spawn('service proxy', async (ctx: Ctx) => {
    // The zone and the ranges refine the rules; Services and endpoints are what they are made of.
    await Promise.all([services.whenSynced(ctx.signal), slices.whenSynced(ctx.signal), nodes.whenSynced(ctx.signal)]);
    await untilAborted(sync.run(ctx), ctx.signal);
  });
}

function tellOfSlices(slices: Informer<discoveryv1.EndpointSlice>, sync: ProxySync): void {
  const tell = (slice: discoveryv1.EndpointSlice, old?: discoveryv1.EndpointSlice): void => {
    const trigger = slice.metadata.annotations?.[triggerAnnotation];
    const isNew = trigger !== undefined && trigger !== old?.metadata.annotations?.[triggerAnnotation];
    for (const key of serviceKeysOf(slice)) sync.endpointsChanged(key, isNew ? Date.parse(trigger) : undefined);
  };
  slices.addHandler({
    added: (slice) => tell(slice),
    updated: (old, slice) => {
      tell(slice, old);
      // The label may name another Service now.
      for (const key of serviceKeysOf(old)) if (!serviceKeysOf(slice).includes(key)) sync.endpointsChanged(key, undefined);
    },
    deleted: (slice) => tell(slice, slice),
  });
}

function serviceKeysOf({ metadata }: discoveryv1.EndpointSlice): string[] {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  return service ? [`${metadata.namespace}/${service}`] : [];
}

function familyOf(text: string): IpFamily | undefined {
  const slash = text.indexOf('/');
  return ipFamilyOf(slash < 0 ? text : text.slice(0, slash));
}

function byFamily(cidrs: readonly string[]): Partial<Record<IpFamily, string>> {
  return Object.fromEntries(cidrs.map((cidr) => [familyOf(cidr), cidr]));
}

function familiesOf(texts: readonly string[]): IpFamily[] {
  return (['IPv4', 'IPv6'] as const).filter((family) => texts.some((text) => familyOf(text) === family));
}
