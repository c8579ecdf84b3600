/**
 * The Ingress controller of one node: watches, plans, and keeps the node's HAProxy true to the plan.
 * Invariants: one change at a time; routes and endpoints are told to the running server, also to one that an agent before this one started;
 * all else is a checked configuration that it takes over without losing a connection; what the server refuses leaves the one before in force; endpoints of one Service cost that Service only.
 */
import { createHash } from 'node:crypto';
import { corev1Resources, discoveryv1Resources, networkingv1Resources } from '../api/index.ts';
import { backoffMs, type Clock, Counter, type Ctx, Gauge, isAbort, Registry, type TaskGroup } from '../base/index.ts';
import { type EventRecorder, type Informer, type InformerFactory, untilAborted } from '../client/index.ts';
import type { corev1, discoveryv1, networkingv1 } from '../api/index.ts';
import { findCulprits } from './bisect.ts';
import { ensureDefaultCertificate } from './default-certificate.ts';
import { mapFile, renderFiles, type ServerSettings } from './haproxy-config.ts';
import { HaproxyProcess, writeFiles } from './haproxy-process.ts';
import { HaproxyError, HaproxySocket } from './haproxy-socket.ts';
import { ownClassNames, ownIngresses } from './own-ingresses.ts';
import { type IngressPlan, type MapName, namedSecrets, planIngresses, type Problem } from './plan.ts';
import { ProblemSpeaker, servingNodes } from './problem-speaker.ts';
import { readyEndpoints } from './ready-endpoints.ts';
import { type Applied, canBeTold, changedMaps, slotOrders } from './runtime-changes.ts';
import { SecretWatch } from './secret-watch.ts';
import { assignSlots, emptySlots, slotCount, type Slots } from './server-slots.ts';
import { readMap, readSlots } from './standing-server.ts';

export interface IngressControllerConfig {
  readonly nodeName: string;
  readonly settings: ServerSettings;
  /** HAProxy. */
  readonly program: string;
  /** File that says which process serves. */
  readonly record: string;
  readonly serverLog: string;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly group: TaskGroup;
  readonly registry?: Registry;
}

const byService = 'service';
/** Changes that come together are applied together. */
const gatherMs = 20;
/** Between two configurations: each leaves a server behind that lives until its connections end. */
const reloadGapMs = 1000;
const retryPolicy = { initialMs: 500, maxMs: 30_000 };

/** Starts the controller; it runs until the group closes, and its server with it. */
export function startIngressController(config: IngressControllerConfig): void {
  new IngressController(config).start();
}

class IngressController {
  readonly #config: IngressControllerConfig;
  readonly #ingresses: Informer<networkingv1.Ingress>;
  readonly #classes: Informer<networkingv1.IngressClass>;
  readonly #services: Informer<corev1.Service>;
  readonly #slices: Informer<discoveryv1.EndpointSlice>;
  readonly #nodes: Informer<corev1.Node>;
  readonly #secrets: SecretWatch;
  readonly #speaker: ProblemSpeaker;
  readonly #socket: HaproxySocket;
  readonly #process: HaproxyProcess;
  readonly #metrics: ReturnType<typeof ingressMetrics>;
  #plan: IngressPlan | undefined;
  #applied: Applied | undefined;
  /** What was found wrong by the server itself, by the Ingress's uid and version. */
  readonly #refused = new Map<string, string>();
  /** Services whose endpoints changed, as `namespace/name`. */
  #changedServices = new Set<string>();
  #routesChanged = true;
  #reloadedMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;

  constructor(config: IngressControllerConfig) {
    this.#config = config;
    const { informers, recorder, clock, settings, program, record, serverLog } = config;
    this.#ingresses = informers.informer(networkingv1Resources.ingresses);
    this.#classes = informers.informer(networkingv1Resources.ingressclasses);
    this.#services = informers.informer(corev1Resources.services);
    this.#slices = informers.informer(discoveryv1Resources.endpointslices);
    this.#nodes = informers.informer(corev1Resources.nodes);
    this.#secrets = new SecretWatch(informers, () => this.#changeRoutes());
    this.#speaker = new ProblemSpeaker(recorder);
    this.#socket = new HaproxySocket(settings.socket, clock);
    this.#process = new HaproxyProcess({ program, directory: settings.directory, record, log: serverLog, socket: this.#socket, clock });
    this.#metrics = ingressMetrics(config.registry ?? new Registry());
  }

  start(): void {
    this.#slices.addIndex(byService, (slice) => [serviceKey(slice)]);
    const routes = (): void => this.#changeRoutes();
    this.#classes.addHandler({ added: routes, updated: routes, deleted: routes });
    this.#services.addHandler({ added: routes, updated: routes, deleted: routes });
    this.#nodes.addHandler({ added: routes, deleted: routes });
    // Our own writes of the status come back as changes; they mean nothing here.
    this.#ingresses.addHandler({
      added: routes,
      updated: (old, current) => {
        if (
          old.spec !== current.spec &&
          JSON.stringify([old.spec, old.metadata.annotations]) !== JSON.stringify([current.spec, current.metadata.annotations])
        )
          routes();
      },
      deleted: routes,
    });
    const endpoints = (slice: discoveryv1.EndpointSlice): void => {
      this.#changedServices.add(serviceKey(slice));
      this.#wake?.();
    };
    this.#slices.addHandler({ added: endpoints, updated: (_, slice) => endpoints(slice), deleted: endpoints });
    this.#config.informers.start();
    this.#config.group.spawn('ingress', async (ctx) => {
      await this.#config.informers.whenSynced(ctx.signal);
      await this.#run(ctx);
    });
  }

  async #run(ctx: Ctx): Promise<void> {
    const { settings, clock, group } = this.#config;
    writeFiles(settings.directory, new Map());
    await ensureDefaultCertificate(settings.directory, clock);
    try {
      await this.#applyUntilDone(ctx);
      group.spawn('ingress server', (keeper) =>
        this.#process.keep(() => {
          this.#applied = undefined;
          this.#changeRoutes();
        }, keeper),
      );
      for (;;) {
        await this.#woken(ctx.signal);
        await clock.sleep(gatherMs, ctx.signal);
        await this.#applyUntilDone(ctx);
      }
    } finally {
      await this.#process.stop();
    }
  }

  async #applyUntilDone(ctx: Ctx): Promise<void> {
    const { clock } = this.#config;
    for (let failures = 0; ;) {
      try {
        await this.#apply(ctx);
        this.#metrics.upToDate.set(1);
        return;
      } catch (err) {
        if (isAbort(err, ctx.signal) || !(err instanceof HaproxyError)) throw err;
        ctx.log.error('cannot bring the ingress server up to date', { err });
        this.#metrics.failures.inc();
        this.#metrics.upToDate.set(0);
        this.#applied = undefined;
        await clock.sleep(backoffMs(retryPolicy, failures++), ctx.signal);
      }
    }
  }

  async #apply(ctx: Ctx): Promise<void> {
    const changed = this.#changedServices;
    this.#changedServices = new Set();
    if (this.#routesChanged || !this.#plan || !this.#applied) {
      this.#routesChanged = false;
      await this.#applyPlan(ctx);
    } else await this.#applyEndpoints(this.#applied, changed, ctx);
  }

  /** Routes, certificates and all endpoints. */
  async #applyPlan(ctx: Ctx): Promise<void> {
    const own = ownIngresses(this.#ingresses.list(), ownClassNames(this.#classes.list()));
    await this.#secrets.follow(namedSecrets(own), ctx);
    const plan = this.#planOf(own.filter((ingress) => !this.#refused.has(versionOf(ingress))));
    this.#plan = plan;
    this.#applied ??= await this.#standing(plan);
    const wanted = this.#wanted(plan);
    if (this.#applied && canBeTold(this.#applied, wanted)) await this.#tell(this.#applied, wanted);
    else await this.#load(own, wanted, ctx);
    const refused = own.flatMap((ingress): Problem[] => {
      const message = this.#refused.get(versionOf(ingress));
      return message === undefined ? [] : [{ ingress, reason: 'Refused', message }];
    });
    this.#speaker.tell([...this.#plan.problems, ...refused], servingNodes(this.#nodes.list())[0]?.metadata.name === this.#config.nodeName);
    this.#metrics.ingresses.set(own.length);
  }

  /** What a server has that runs already; undefined when it needs another configuration in any case. */
  async #standing({ certificates }: IngressPlan): Promise<Applied | undefined> {
    if (!this.#process.running) return undefined;
    const generation = await this.#socket.generation();
    if (!generation?.startsWith(`${this.#shape(certificates)}-`)) return undefined;
    const map = async (name: MapName): Promise<Map<string, string>> =>
      readMap(await this.#socket.send(`show map ${mapFile(this.#config.settings, name)}`));
    const [sites, exact, prefix, defaults] = await Promise.all([map('sites'), map('exact'), map('prefix'), map('defaults')]);
    const slots = readSlots(await this.#socket.send('show servers state'));
    return { plan: { backends: new Map(), maps: { sites, exact, prefix, defaults }, certificates }, slots };
  }

  /** What of a configuration no order changes: its fixed part and the certificates. */
  #shape(certificates: IngressPlan['certificates']): string {
    const empty = new Map<string, string>();
    const plan = { backends: new Map(), maps: { sites: empty, exact: empty, prefix: empty, defaults: empty }, certificates };
    const hash = createHash('sha256');
    for (const [name, text] of this.#files({ plan, slots: new Map() }, '')) hash.update(`${name}\0${text}\0`);
    return `knarr-${hash.digest('hex').slice(0, 24)}`;
  }

  #planOf(ingresses: readonly networkingv1.Ingress[]): IngressPlan {
    return planIngresses({
      ingresses,
      serviceOf: (namespace, name) => this.#services.get({ namespace, name }),
      secretOf: (namespace, name) => this.#secrets.get(namespace, name),
    });
  }

  /** What the server is to have. A running server's backends that nobody needs any more stay until its next configuration. */
  #wanted(plan: IngressPlan): Applied {
    const slots = new Map<string, Slots>();
    for (const backend of plan.backends.values()) {
      const endpoints = this.#endpoints(backend);
      const before = this.#applied?.slots.get(backend.id);
      slots.set(backend.id, (before && assignSlots(before, endpoints)) ?? assignSlots(emptySlots(slotCount(endpoints.length)), endpoints)!);
    }
    return { plan, slots };
  }

  #endpoints(backend: Parameters<typeof readyEndpoints>[0]): string[] {
    return readyEndpoints(backend, this.#slices.byIndex(byService, `${backend.namespace}/${backend.service}`));
  }

  async #tell(before: Applied, wanted: Applied): Promise<void> {
    const orders = [...wanted.slots].flatMap(([id, slots]) => slotOrders(id, before.slots.get(id)!, slots));
    if (orders.length > 0) await this.#socket.tell(orders);
    for (const map of changedMaps(this.#config.settings, before.plan.maps, wanted.plan.maps)) await this.#socket.replaceMap(map);
    const [backends, slots] = [new Map([...before.plan.backends, ...wanted.plan.backends]), new Map([...before.slots, ...wanted.slots])];
    this.#applied = { plan: { ...wanted.plan, backends }, slots };
    this.#metrics.changes.inc({ how: 'told' });
  }

  /** A new configuration: checked, then taken over by the running server. */
  async #load(own: readonly networkingv1.Ingress[], wanted: Applied, ctx: Ctx): Promise<void> {
    const { clock } = this.#config;
    let chosen = wanted;
    const complaint = await this.#check(wanted, ctx);
    if (complaint !== undefined) {
      ctx.log.error('the ingress server refuses the configuration: looking for whose it is', { complaint });
      const suspects = own.filter((ingress) => !this.#refused.has(versionOf(ingress)));
      const culprits = await findCulprits(
        suspects,
        async (some) => (await this.#check(this.#wanted(this.#planOf(some)), ctx)) === undefined,
      );
      if (!culprits) throw new HaproxyError(`the server refuses the configuration, whatever Ingress is left out: ${complaint}`);
      for (const ingress of culprits)
        this.#refused.set(versionOf(ingress), `the server refuses what it leads to: ${complaint.slice(0, 512)}`);
      this.#plan = this.#planOf(suspects.filter((ingress) => !culprits.includes(ingress)));
      chosen = this.#wanted(this.#plan);
    }
    if (this.#applied && canBeTold(this.#applied, chosen)) return this.#tell(this.#applied, chosen);
    await clock.sleep(Math.max(0, this.#reloadedMs + reloadGapMs - clock.monotonic()), ctx.signal);
    const generation = `${this.#shape(chosen.plan.certificates)}-${clock.now().toString(36)}`;
    await this.#process.load(this.#files(chosen, generation), generation, ctx);
    this.#reloadedMs = clock.monotonic();
    this.#applied = chosen;
    this.#metrics.changes.inc({ how: 'loaded' });
  }

  #check(applied: Applied, ctx: Ctx): Promise<string | undefined> {
    return this.#process.check(this.#files(applied, 'check'), ctx);
  }

  #files({ plan, slots }: Applied, generation: string): Map<string, string> {
    return renderFiles(this.#config.settings, { plan, slotsOf: (id) => slots.get(id)!, generation });
  }

  async #applyEndpoints(applied: Applied, services: ReadonlySet<string>, ctx: Ctx): Promise<void> {
    const slots = new Map(applied.slots);
    const orders: string[] = [];
    for (const backend of applied.plan.backends.values()) {
      if (!services.has(`${backend.namespace}/${backend.service}`)) continue;
      const before = slots.get(backend.id)!;
      const after = assignSlots(before, this.#endpoints(backend));
      if (!after) {
        await this.#applyPlan(ctx);
        return;
      }
      orders.push(...slotOrders(backend.id, before, after));
      slots.set(backend.id, after);
    }
    if (orders.length === 0) return;
    await this.#socket.tell(orders);
    this.#applied = { ...applied, slots };
    this.#metrics.changes.inc({ how: 'told' });
  }

  #changeRoutes(): void {
    this.#routesChanged = true;
    this.#wake?.();
  }

  async #woken(signal: AbortSignal): Promise<void> {
    if (this.#routesChanged || this.#changedServices.size > 0) return;
    await untilAborted(new Promise<void>((resolve) => (this.#wake = resolve)), signal);
  }
}

function serviceKey({ metadata }: discoveryv1.EndpointSlice): string {
  return `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
}

function versionOf({ metadata }: networkingv1.Ingress): string {
  return `${metadata.uid} ${metadata.resourceVersion}`;
}

function ingressMetrics(registry: Registry) {
  const registers = [registry];
  return {
    changes: new Counter({
      name: 'knarr_ingress_changes_total',
      help: 'Changes of the ingress server: told to the running one, or loaded as a new configuration.',
      labelNames: ['how'] as const,
      registers,
    }),
    failures: new Counter({ name: 'knarr_ingress_failures_total', help: 'Changes that the ingress server did not take.', registers }),
    upToDate: new Gauge({ name: 'knarr_ingress_up_to_date', help: '1 while the ingress server does what the Ingresses say.', registers }),
    ingresses: new Gauge({ name: 'knarr_ingress_objects', help: 'Ingresses that the controller acts on.', registers }),
  };
}
