/**
 * Has this node answer for load balancer addresses of the pool: those it holds stand on the interface that has the node's own address.
 * Invariants: one loop tells the kernel, with one batch a change; no address stands there that is another node's, also when this process
 * died over it; an unreachable API server ends the holding, but only where another node could take over; nothing is left when it ends.
 */
import { type AddressPool, type corev1, corev1Resources, type discoveryv1, discoveryv1Resources } from '../../api/index.ts';
import { type Clock, type Ctx, isAbort, ProcessError, type TaskGroup } from '../../base/index.ts';
import { type Client, type EventRecorder, type Informer, type InformerFactory, keyOf, splitKey } from '../../client/index.ts';
import type { Kernel, Link } from '../fabric/kernel.ts';
import { allowNotices } from '../kernel-settings.ts';
import { createWakeUp, type WakeUp } from '../wake-up.ts';
import { planAnnouncement, tellNeighbours } from './address-plan.ts';
import { Contact } from './contact.ts';
import { canAnnounce, type Holder, holdersOf, isLocal, pooledAddresses } from './holders.ts';

export interface AnnouncerConfig {
  readonly nodeName: string;
  /** The node's own addresses; the first says which interface is meant. */
  readonly nodeIps: readonly string[];
  readonly pool: AddressPool;
  readonly kernel: Kernel;
  /** Sees Services and EndpointSlices. */
  readonly informers: InformerFactory;
  /** Sees every node. */
  readonly nodes: Informer<corev1.Node>;
  readonly client: Client;
  /** Tells Services who answers for them. */
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly group: TaskGroup;
}

const byService = 'announced-service';
/** How long what stands in the kernel is believed. */
const lookAgainMs = 60_000;
/** Neighbours are told twice: the first time may be lost, or go out before the former holder's last word. */
const tellAgainMs = 2_000;
const askEveryMs = 10_000;
const askEveryLostMs = 2_000;
const retryMs = 1_000;
const withdrawWithinMs = 5_000;

/** Starts it; runs until the group closes. */
export function startAnnouncer(config: AnnouncerConfig): void {
  const announcer = new Announcer(config);
  config.group.spawn('load balancer addresses', (ctx) => announcer.run(ctx));
}

class Announcer {
  readonly #config: AnnouncerConfig;
  readonly #services: Informer<corev1.Service>;
  readonly #slices: Informer<discoveryv1.EndpointSlice>;
  readonly #contact: Contact;
  readonly #wakeUp: WakeUp;
  /** Services with addresses of the pool. */
  readonly #balanced = new Set<string>();
  #held: readonly string[] = [];
  #lookAgainAtMs = 0;
  #askAtMs = 0;
  #tellAgainAtMs = Infinity;

  constructor(config: AnnouncerConfig) {
    this.#config = config;
    this.#services = config.informers.informer(corev1Resources.services);
    this.#slices = config.informers.informer(discoveryv1Resources.endpointslices);
    this.#contact = new Contact(config);
    this.#wakeUp = createWakeUp(config.clock);
    this.#slices.addIndex(byService, serviceKeysOf);
    this.#follow();
    config.informers.start();
  }

  async run(ctx: Ctx): Promise<void> {
    const { signal } = ctx;
    try {
      // What an earlier life left stays until it is known whose it is: it may well be ours again.
      const informers = [this.#services, this.#slices, this.#config.nodes];
      await Promise.all(informers.map((each) => each.whenSynced(signal)));
      for (;;) await this.#wakeUp.next(await this.#step(ctx), signal);
    } finally {
      await this.#withdraw(ctx);
    }
  }

  #follow(): void {
    const seen = (service: corev1.Service): void => {
      const key = keyOf(service);
      const before = this.#balanced.has(key);
      if (pooledAddresses(service, this.#config.pool).length > 0) this.#balanced.add(key);
      else this.#balanced.delete(key);
      if (before || this.#balanced.has(key)) this.#wakeUp.wake();
    };
    this.#services.addHandler({
      added: seen,
      updated: (_old, service) => seen(service),
      deleted: (service) => this.#balanced.delete(keyOf(service)) && this.#wakeUp.wake(),
    });
    const moved = (slice: discoveryv1.EndpointSlice): void => {
      for (const key of serviceKeysOf(slice)) {
        if (!this.#balanced.has(key)) continue;
        const service = this.#services.get(splitKey(key));
        if (service && isLocal(service)) this.#wakeUp.wake();
      }
    };
    this.#slices.addHandler({ added: moved, updated: (_old, slice) => moved(slice), deleted: moved });
    const wake = (): void => this.#wakeUp.wake();
    this.#config.nodes.addHandler({
      added: wake,
      updated: (old, node) => canAnnounce(old) !== canAnnounce(node) && wake(),
      deleted: wake,
    });
  }

  /** Does what is to be done now. @returns for how long there is nothing more */
  async #step(ctx: Ctx): Promise<number> {
    const { clock } = this.#config;
    try {
      if (this.#isReplaceable && clock.monotonic() >= this.#askAtMs) {
        await this.#contact.ask(ctx.signal);
        this.#askAtMs = clock.monotonic() + (this.#contact.lost ? askEveryLostMs : askEveryMs);
      }
      await this.#apply(this.#contact.lost ? [] : this.#mine(), ctx);
    } catch (err) {
      if (isAbort(err, ctx.signal) || !(err instanceof ProcessError)) throw err;
      ctx.log.error('cannot take the addresses of load balancers; it is tried again', { err });
      this.#lookAgainAtMs = 0;
      return retryMs;
    }
    const next = Math.min(this.#lookAgainAtMs, this.#tellAgainAtMs, this.#isReplaceable ? this.#askAtMs : Infinity);
    return Math.max(next - clock.monotonic(), 0);
  }

  #mine(): Holder[] {
    const { nodeName, nodes, pool } = this.#config;
    const services = [...this.#balanced].flatMap((key) => this.#services.get(splitKey(key)) ?? []);
    const slicesOf = (service: corev1.Service): readonly discoveryv1.EndpointSlice[] => this.#slices.byIndex(byService, keyOf(service));
    return holdersOf({ services, slicesOf, nodes: nodes.list(), pool }).filter(({ node }) => node === nodeName);
  }

  /** Somebody else could take what this node holds, so it has to know when it is cut off. */
  get #isReplaceable(): boolean {
    const { nodes, nodeName } = this.#config;
    const others = nodes.list().some((node) => node.metadata.name !== nodeName && canAnnounce(node));
    return this.#contact.lost || (this.#held.length > 0 && others);
  }

  async #apply(holders: readonly Holder[], ctx: Ctx): Promise<void> {
    const { clock, kernel, pool, recorder, nodeName } = this.#config;
    const wanted = holders.map(({ ip }) => ip);
    const now = clock.monotonic();
    const same = wanted.length === this.#held.length && wanted.every((ip) => this.#held.includes(ip));
    if (same && now < this.#lookAgainAtMs && now < this.#tellAgainAtMs) return;
    const link = await this.#observe(ctx);
    if (!link) return;
    const { lines, added, removed } = planAnnouncement(link, wanted, pool);
    const again = now >= this.#tellAgainAtMs && added.length === 0 && wanted.length > 0;
    await kernel.ip(again ? [...lines, tellNeighbours(link)] : lines, ctx);
    this.#held = wanted;
    this.#lookAgainAtMs = now + lookAgainMs;
    this.#tellAgainAtMs = added.length > 0 ? now + tellAgainMs : Infinity;
    if (removed.length > 0) ctx.log.info('another node answers for addresses of load balancers, or nobody', { addresses: removed });
    for (const { ip, service } of holders) {
      if (!added.includes(ip)) continue;
      ctx.log.info('this node answers for the address of a load balancer', { address: ip, service: keyOf(service) });
      recorder.event(service, { type: 'Normal', reason: 'AddressAnnounced', message: `node "${nodeName}" answers for ${ip}` });
    }
  }

  async #observe(ctx: Pick<Ctx, 'signal' | 'log'>): Promise<Link | undefined> {
    const { kernel, nodeIps, clock } = this.#config;
    const { links } = await kernel.observe([], ctx);
    const link = links.find(({ addresses }) => addresses.some(({ address }) => address === nodeIps[0]));
    if (link) {
      allowNotices(link.name);
      return link;
    }
    ctx.log.warn('no interface has the address of the node: it answers for no load balancer', { address: nodeIps[0] });
    this.#lookAgainAtMs = clock.monotonic() + lookAgainMs;
    return undefined;
  }

  /** The signal has aborted; taking the addresses away is what is left to do. */
  async #withdraw({ log }: Ctx): Promise<void> {
    const { clock, kernel, pool } = this.#config;
    const late = new AbortController();
    const timer = clock.setTimer(withdrawWithinMs, () => late.abort());
    try {
      const link = await this.#observe({ signal: late.signal, log });
      if (link) await kernel.ip(planAnnouncement(link, [], pool).lines, { signal: late.signal });
    } catch (err) {
      if (!isAbort(err, late.signal) && !(err instanceof ProcessError)) throw err;
      log.warn('cannot take addresses of load balancers from the interface', { err });
    } finally {
      timer.cancel();
    }
  }
}

function serviceKeysOf({ metadata }: discoveryv1.EndpointSlice): string[] {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  return service ? [`${metadata.namespace}/${service}`] : [];
}
